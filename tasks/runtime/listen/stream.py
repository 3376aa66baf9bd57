"""Sound from a file or a pipe, piece by piece: a WAV file, or raw samples of 16 bits; nothing of it is kept."""

from collections.abc import Iterator
from typing import IO

from ..errors import WrongInputError
from ..preprocess.audio.clip import ClipFormat
from ..preprocess.audio.resample import Resampler
from ..preprocess.audio.wav import PCM, UNKNOWN_LENGTH, Samples, UnreadableSoundError, WavFormat, is_wav, read_header

PIECE = 8_192
"""bytes read at a time, at most"""
LONGEST_HEADER = 2**16
"""bytes before the samples of a WAV file"""
BEGIN = 12
"""bytes that tell a WAV file"""


def samples_of(stream: IO[bytes], clips: ClipFormat, rate: int | None = None) -> Iterator[Samples]:
    """Yields the samples of a stream at the rate of the model, as they come.

    Args:
        stream: of a WAV file, or of raw little-endian samples of 16 bits and one channel.
        clips: what the model takes.
        rate: of raw samples; that of the model where it is not given. A WAV file says its own.

    Raises:
        WrongInputError: the rate is refused, or the WAV file is of a form that is not read.
    """
    try:
        yield from _samples(stream, clips, rate)
    except UnreadableSoundError as error:
        raise WrongInputError(f"`listen`: {error}") from None


def _samples(stream: IO[bytes], clips: ClipFormat, rate: int | None) -> Iterator[Samples]:
    begin = _exactly(stream, BEGIN)
    if is_wav(begin):
        written, rest, length = _header(stream, begin)
    else:
        written, rest, length = WavFormat(PCM, 1, rate or clips.rate, 16), begin, None
    clips.check_rate(written.rate)
    pieces = (written.decoded(piece) for piece in _whole_frames(stream, rest, length, written.frame))
    if written.rate == clips.rate:
        yield from pieces
        return
    resampler = Resampler(written.rate, clips.rate)
    for piece in pieces:
        yield resampler.feed(piece)
    yield resampler.finish()


def _header(stream: IO[bytes], begin: bytes) -> tuple[WavFormat, bytes, int | None]:
    """Returns the format, what was read of the samples by now, and how many bytes they are, where that is known."""
    content = begin
    while True:
        try:
            written, start, length = read_header(content)
        except UnreadableSoundError:
            more = _read(stream)
            if not more or len(content) > LONGEST_HEADER:
                raise
            content += more
        else:
            return written, content[start:], None if length in UNKNOWN_LENGTH else length


def _whole_frames(stream: IO[bytes], rest: bytes, length: int | None, frame: int) -> Iterator[bytes]:
    """Yields whole frames; half a frame waits for its other half, and one that never gets it is left out."""
    left = length
    while rest:
        taken = rest if left is None else rest[:left]
        whole = len(taken) // frame * frame
        yield taken[:whole]
        left = None if left is None else left - whole
        if left is not None and left < frame:
            return
        more = _read(stream)
        rest = taken[whole:] + more if more else b""


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = b""
    while len(content) < count and (more := stream.read(count - len(content))):
        content += more
    return content


def _read(stream: IO[bytes]) -> bytes:
    """Returns what is there, without waiting for more of it."""
    read1 = getattr(stream, "read1", stream.read)
    content: bytes = read1(PIECE)
    return content
