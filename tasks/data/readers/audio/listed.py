"""Recordings that a list names: each file is read once, and cut into the clips that are asked of it."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from params.audio.readers import ListedAudioReader
from params.readers import LABEL
from params.section import Part
from tasks.data.readers.audio.sound import NO_SOUND, clip_of, format_of, is_sound, read_sound
from tasks.data.readers.raw import members, packed_files
from tasks.data.readers.samples import NOTHING, Reading, Sample, Values
from tasks.runtime.preprocess.audio.wav import Sound, UnreadableSoundError

NOT_LISTED = "a recording that the list does not name"


@dataclass(frozen=True)
class ListedClip:
    """A row of a list; `path` is that of the source. `problem` says why there is no clip, whatever the file is."""

    id: str
    path: str
    label: str
    start: float | None = None
    end: float | None = None
    speaker: str = ""
    part: Part | None = None
    problem: str = ""


def reading_of(reader: ListedAudioReader, raw: Path, clips: Sequence[ListedClip], lists: Sequence[str]) -> Reading:
    """Returns the samples of a list; `lists` are the files of the source that are the list itself."""
    tar = packed_files(raw, reader.kind)
    named = {clip.path for clip in clips}
    dropped: defaultdict[str, int] = defaultdict(int)
    for member, stream in members(tar):
        if stream is not None and member.name not in named and member.name not in lists:
            dropped[NOT_LISTED if is_sound(member.name) else NO_SOUND] += 1
    return Reading(
        "waveform",
        partial(_samples, reader, tar, clips),
        reader.declared,
        preprocessing=format_of(reader).facts(),
        slices=reader.columns_kept,
        dropped=dict(sorted(dropped.items())),
    )


def path_beside(list_name: str, path: str) -> tuple[str, str]:
    """Returns the path of a recording in the source, of one that a list names, or what is wrong with it."""
    if path.rstrip().endswith("|"):
        return "", "expected the path of a recording, got a command; Stillhouse runs none: convert the recordings first"
    found = posixpath.normpath(posixpath.join(posixpath.dirname(list_name), path.replace("\\", "/")))
    if posixpath.isabs(found) or found.startswith("../"):
        return "", f"expected a path below the source, got `{path}`"
    return found, ""


def _samples(reader: ListedAudioReader, tar: Path, clips: Sequence[ListedClip]) -> Iterator[Sample]:
    waiting: defaultdict[str, list[ListedClip]] = defaultdict(list)
    for clip in clips:
        if clip.problem:
            yield Sample(clip.id, {LABEL: clip.label} if clip.label else {}, problem=clip.problem)
        else:
            waiting[clip.path].append(clip)
    for member, stream in members(tar):
        if stream is not None and member.name in waiting:
            yield from _cut(reader, stream.read(), waiting.pop(member.name))
    for path, missing in sorted(waiting.items()):
        problem = f"expected a recording at `{path}` in the source, got no such file"
        yield from (Sample(clip.id, {LABEL: clip.label}, problem=problem) for clip in missing)


def _cut(reader: ListedAudioReader, content: bytes, clips: Sequence[ListedClip]) -> Iterator[Sample]:
    try:
        sound, broken = read_sound(content), ""
    except UnreadableSoundError as error:
        sound, broken = Sound(NOTHING, reader.sample_rate), str(error)
    for clip in clips:
        values, problem = (NOTHING, broken) if broken else _between(reader, sound, clip)
        slices = (clip.speaker,) if reader.columns_kept else ()
        yield Sample(clip.id, {LABEL: clip.label}, values, clip.part, problem, slices)


def _between(reader: ListedAudioReader, sound: Sound, clip: ListedClip) -> tuple[Values, str]:
    length = len(sound.samples) / sound.rate
    start, end = clip.start or 0.0, length if clip.end is None else clip.end
    if not 0 <= start < end or start >= length or end > length + 0.05:
        return NOTHING, f"expected a begin and an end within {length:.3g} s, got {start:g} to {end:g} s"
    first, last = round(start * sound.rate), round(end * sound.rate)
    return clip_of(Sound(sound.samples[first:last], sound.rate), reader)
