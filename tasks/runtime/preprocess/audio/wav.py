"""WAV files as samples: PCM of 8, 16, 24 and 32 bits and floating point, any rate, any number of channels.

Python's `wave` knows no floating point and no extended headers. A file may be hostile or cut: nothing is read that its
bytes do not hold, and one whose header promises more than there is, is refused.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import WrongInputError

Samples = NDArray[np.float32]
"""between -1 and 1"""

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
FORMAT_BYTES = 16
"""that the header of a format has at least"""
UNKNOWN_LENGTH = (0xFFFFFFFF, 0x7FFFFFFF, 0)
"""what programs that write to a pipe put as the length of the data: it goes on to the end of the file"""
WIDTHS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64)}


class UnreadableSoundError(WrongInputError):
    """A file is no sound that can be used; the message says what was expected and got."""


@dataclass(frozen=True)
class WavFormat:
    """How samples are written: integers (`PCM`) or floating point, how many bits, how many channels, how fast."""

    tag: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8

    def decoded(self, content: bytes) -> Samples:
        """Returns the samples of whole frames, channels mixed to their mean."""
        values = self._values(content[: len(content) // self.frame * self.frame])
        mixed: Samples = values.reshape(-1, self.channels).mean(axis=1).astype(np.float32)
        return mixed

    def _values(self, content: bytes) -> NDArray[np.float64]:
        if self.tag == FLOAT:
            return np.frombuffer(content, f"<f{self.bits // 8}").astype(np.float64)
        if self.bits == 8:  # the only width without a sign
            return (np.frombuffer(content, np.uint8).astype(np.float64) - 128) / 128
        if self.bits == 24:
            padded = np.zeros((len(content) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
            return padded.view("<i4")[:, 0] / 2.0**31
        return np.frombuffer(content, f"<i{self.bits // 8}") / 2.0 ** (self.bits - 1)


@dataclass(frozen=True)
class Sound:
    """Samples of one channel, and how many of them are a second."""

    samples: Samples
    rate: int


def is_wav(content: bytes) -> bool:
    """Says whether bytes begin as a WAV file does."""
    return content[:4] == b"RIFF" and content[8:12] == b"WAVE"


def read_wav(content: bytes) -> Sound:
    """Returns the sound in a WAV file.

    Raises:
        UnreadableSoundError: it is no WAV file, is cut, or is written in another way than those above.
    """
    format_, start, length = read_header(content)
    if length in UNKNOWN_LENGTH:
        length = len(content) - start
    if start + length > len(content):
        raise UnreadableSoundError(f"expected {length} bytes of sound, got {len(content) - start}: the file is cut")
    return Sound(format_.decoded(content[start : start + length]), format_.rate)


def silent_wav(rate: int, samples: int) -> bytes:
    """Returns a WAV file of silence, in 8 bits."""
    content = b"\x80" * samples + b"\0" * (samples % 2)
    header = struct.pack("<4sIHHIIHH", b"fmt ", FORMAT_BYTES, PCM, 1, rate, rate, 1, 8)
    body = b"WAVE" + header + struct.pack("<4sI", b"data", samples) + content
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def read_header(content: bytes) -> tuple[WavFormat, int, int]:
    """Returns the format, where the samples begin, and how many bytes they are by the header.

    Raises:
        UnreadableSoundError: the header is not that of a WAV file, or the format is another.
    """
    if not is_wav(content):
        raise UnreadableSoundError("expected a WAV file, got another")
    format_, place = None, 12
    while place + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, place)
        place += 8
        if name == b"fmt ":
            format_ = _format(content[place : place + length])
        if name == b"data" and format_:
            return format_, place, length
        place += length + length % 2  # chunks begin at even places
    raise UnreadableSoundError("expected a WAV file with a format and data, got one without: the file is cut")


def _format(content: bytes) -> WavFormat:
    if len(content) < FORMAT_BYTES:
        raise UnreadableSoundError(f"expected a format of {FORMAT_BYTES} bytes, got {len(content)}: the file is cut")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content)
    if tag == EXTENSIBLE and len(content) >= 26:
        (tag,) = struct.unpack_from("<H", content, 24)
    if tag not in WIDTHS:
        raise UnreadableSoundError(f"expected PCM or floating point, got a WAV file of format {tag}; convert it")
    if bits not in WIDTHS[tag] or not channels or not rate:
        got = f"{bits} bits, {channels} channels, {rate} Hz"
        raise UnreadableSoundError(f"expected {', '.join(map(str, WIDTHS[tag]))} bits, channels and a rate, got {got}")
    return WavFormat(tag, channels, rate, bits)
