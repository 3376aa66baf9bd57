"""Google's Speech Commands (Warden 2018, arXiv:1804.03209): words, unknown ones, and noise that is cut first."""

import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from params.audio.readers import SpeechCommandsReader
from params.readers import LABEL
from params.section import Part
from tasks.core.errors import DataError, mismatch
from tasks.data.draws import draw
from tasks.data.readers.audio.sound import NO_SOUND, clip_of, format_of, is_sound, read_clip, read_sound
from tasks.data.readers.raw import members, open_raw, packed_files
from tasks.data.readers.samples import Reading, Sample
from tasks.runtime.preprocess.audio.wav import Sound, UnreadableSoundError

LISTS: dict[str, Part] = {"testing_list.txt": "test", "validation_list.txt": "validation"}
NOISE, UNKNOWN, SILENCE = "_background_noise_", "unknown", "silence"
NO_SPEAKER = "_nohash_"
OTHER_WORDS = "other words that are not taken"
CUTS: tuple[tuple[float, Part], ...] = ((0.8, "train"), (0.9, "validation"), (1.0, "test"))
"""where a file of noise ends to be of a part"""


@dataclass(frozen=True)
class _Lists:
    """The published split: clip -> part; all others are for training."""

    parts: dict[str, Part]

    def part(self, name: str) -> Part:
        return self.parts.get(name, "train")


def read(reader: SpeechCommandsReader, raw: Path) -> Reading:
    """Opens a tar of Speech Commands.

    Raises:
        DataError: the lists of the split are missing, or let one speaker be in two parts; or a word has no folder.
    """
    tar = packed_files(raw, reader.kind)
    names = [member.name for member, stream in members(tar) if stream is not None]
    top = _top(names)
    lists = _Lists({f"{top}{line}": part for file, part in LISTS.items() for line in _lines(raw, f"{top}{file}")})
    problems = [*_split_speakers(names, lists), *_missing_words(reader, names)]
    if problems:
        raise DataError("\n".join(problems))
    left_out = Counter(reason for name in names if (reason := _left_out(reader, name)))
    return Reading(
        "waveform",
        partial(_samples, reader, tar, lists),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        slices=reader.columns_kept,
        dropped=dict(sorted(left_out.items())),
    )


def speaker_of(name: str) -> str:
    """Returns the hash before `_nohash_` in the name of a file."""
    return Path(name).name.partition(NO_SPEAKER)[0]


def _top(names: list[str]) -> str:
    """Returns the folder that everything lies in, with its slash; empty where there is none."""
    found = next((name for name in names if Path(name).name in LISTS), "")
    return found.removesuffix(Path(found).name)


def _lines(raw: Path, name: str) -> list[str]:
    with open_raw(raw, name, "kind: speech_commands") as stream:
        return [line.strip() for line in io.TextIOWrapper(stream, encoding="utf-8") if line.strip()]


def _split_speakers(names: list[str], lists: _Lists) -> Iterator[str]:
    """Yields that speakers are in two parts, the first few by name."""
    parts = defaultdict(set)
    for name in names:
        if NO_SPEAKER in name:
            parts[speaker_of(name)].add(lists.part(name))
    both = sorted(speaker for speaker, some in parts.items() if len(some) > 1)
    if both:
        got = f"{len(both)} in two: {', '.join(f'`{one}`' for one in both[:5])}"
        do = "correct the lists, or take `kind: audio_folder` with `split: {kind: grouped, by: speaker}`"
        yield mismatch("testing_list.txt", "", "each speaker in one part", got, do)


def _missing_words(reader: SpeechCommandsReader, names: list[str]) -> Iterator[str]:
    folders = sorted({_folder(name) for name in names} - {"", NOISE})
    for word in (word for word in reader.words if word not in folders):
        expected = f"one of the folders {', '.join(folders)}"
        yield mismatch("data.reader", "words", expected, f"`{word}`", "correct the name")


def _folder(name: str) -> str:
    return Path(name).parent.name


def _label(reader: SpeechCommandsReader, name: str) -> str:
    folder = _folder(name)
    return folder if not reader.words or folder in reader.words else UNKNOWN


def _left_out(reader: SpeechCommandsReader, name: str) -> str:
    if not is_sound(name):
        return NO_SOUND
    if _folder(name) == NOISE:
        return "" if reader.silence else "noise"
    if _label(reader, name) == UNKNOWN and draw(reader.seed, name.encode()) >= reader.unknown:
        return OTHER_WORDS
    return ""


def _samples(reader: SpeechCommandsReader, tar: Path, lists: _Lists) -> Iterator[Sample]:
    for member, stream in members(tar):
        if stream is None or _left_out(reader, member.name):
            continue
        if _folder(member.name) == NOISE:
            yield from _silence(reader, member.name, stream.read())
        else:
            yield _word(reader, member.name, stream.read(), lists)


def _word(reader: SpeechCommandsReader, name: str, content: bytes, lists: _Lists) -> Sample:
    values, problem = read_clip(content, reader)
    if NO_SPEAKER not in name:
        problem = f"expected the hash of a speaker before `{NO_SPEAKER}` in the name, got none"
    target = {LABEL: _label(reader, name)}
    return Sample(name, target, values, lists.part(name), problem, (speaker_of(name),))


def _silence(reader: SpeechCommandsReader, name: str, content: bytes) -> Iterator[Sample]:
    """Yields the pieces of a file of noise; a piece that lies across a cut between two parts is left out."""
    try:
        sound = read_sound(content)
        noise = format_of(reader).at_rate(sound)
    except UnreadableSoundError as error:
        yield Sample(name, {LABEL: SILENCE}, problem=str(error))
        return
    for number, start in enumerate(range(0, len(noise) - reader.samples + 1, reader.samples)):
        parts = {_part_at(place / len(noise)) for place in (start, start + reader.samples - 1)}
        if len(parts) == 1:
            piece = f"{name}:{number:04d}"
            loudness = np.float32(draw(reader.seed, piece.encode()))
            values, _ = clip_of(Sound(noise[start : start + reader.samples] * loudness, reader.sample_rate), reader)
            yield Sample(piece, {LABEL: SILENCE}, values, parts.pop(), slices=("",))


def _part_at(place: float) -> Part:
    return next(part for end, part in CUTS if place < end)
