"""The recipe for a folder of recordings, and what of it a person should know."""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import DataError, mismatch, printable
from tasks.data.init.audio.recordings import Recordings, recordings_in
from tasks.data.init.templates import ARRIVALS, HEAD, SPLIT, TAIL
from tasks.data.init.understanding import Understanding
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FOLDER

HEADINGS = ("word", "recordings", "seconds", "speakers")
LEAST = 3
"""recordings of a word, one per part"""
_READER = """\
  reader:
    kind: {kind}
    sample_rate: {rate}         # per second; others are resampled, here and on the device
    seconds: {seconds:g}               # of a clip; shorter ones lie in silence
    longer: loudest            # the loudest part of a longer one; refuse makes it a bad sample
"""
_PATTERN = "    pattern: '{pattern}'   # where in a path the speaker is\n"
_GROUPED = f"""\
  split:
    kind: grouped              # nobody is in two parts: a model is judged on people who are new to it
    by: speaker
    validation: 0.2            # chooses
    test: 0.2                  # judges, once
    seed: 0
{ARRIVALS}"""
_PUBLISHED = f"""\
  split:
    kind: official             # the lists of the data
{ARRIVALS}"""
_AUDIO = "kind: audio, front_end: {{kind: log_mel, sample_rate: {rate}, mels: {mels}}}"
_MODELS = f"""
teacher:
  architecture: {{{{{_AUDIO}, network: {{{{kind: resnet, widths: [32, 64, 128], stem_stride: 2}}}}}}}}
  training: {{{{epochs: 30, batch_size: 64, learning_rate: 0.005, augment: {{augment}}}}}}

student:
  architecture: {{{{{_AUDIO}, network: {{{{kind: ds_cnn, channels: 48, blocks: 3}}}}}}}}
  training: {{{{epochs: 50, batch_size: 64, learning_rate: 0.01, augment: {{augment}}}}}}

evaluate:
  listen: {{{{threshold: 0.8}}}}   # what a device does that listens: `stillhouse-edge listen`
"""
_AUGMENT = "{views: 8, steps: [{kind: time_shift}, {kind: speed}, {kind: gain}, {kind: background}, {kind: band_mask}]}"


def understand(name: str, source: str, folder: Path) -> Understanding:
    """Returns a recipe for a folder of recordings; `source` is how the recipe names it.

    Raises:
        DataError: no such folder, no recordings, fewer than two words, or too few recordings of one.
    """
    require_given(folder, "--audio", "a folder with one folder per word", FOLDER)
    found = recordings_in(folder)
    _check(folder, found)
    rows = tuple(_row(found, word) for word in sorted(found.words))
    return Understanding(_recipe(name, source, found), HEADINGS, rows, tuple(_notes(found)))


def _check(folder: Path, found: Recordings) -> None:
    where = printable(str(folder))
    if len(found.words) < 2 or "" in found.words:
        got = ", ".join(f"`{word}`" for word in sorted(found.words) if word) or "none"
        got += f", and {len(found.words[''])} recordings beside folders" if "" in found.words else ""
        do = "make one folder per word and put its recordings there"
        raise DataError(mismatch(where, "", "at least two folders of recordings", got, do))
    few = {word: len(names) for word, names in found.words.items() if len(names) < LEAST}
    if few:
        got = ", ".join(f"{count} of `{printable(word)}`" for word, count in sorted(few.items())[:5])
        raise DataError(mismatch(where, "", f"at least {LEAST} recordings of each word", got, "record more of it"))
    if found.broken and not found.seconds:
        name, problem = next(iter(found.broken.items()))
        raise DataError(mismatch(printable(name), "", "recordings that can be read", problem, "convert them"))


def _recipe(name: str, source: str, found: Recordings) -> str:
    kind = "speech_commands" if found.commands else "audio_folder"
    reader = _READER.format(kind=kind, rate=found.rate, seconds=found.clip_seconds)
    if found.pattern and not found.commands:
        reader += _PATTERN.format(pattern=found.pattern)
    split = _PUBLISHED if found.commands else _GROUPED if found.speakers else SPLIT
    models = _MODELS.format(rate=found.rate, mels=40 if found.rate >= 8_000 else 20, augment=_AUGMENT)
    return (
        HEAD.format(name=name, kind="folder", path=json.dumps(source))
        + reader
        + split
        + models
        + TAIL.format(candidates="[fp32, static_int8]")
    )


def _row(found: Recordings, word: str) -> tuple[str, ...]:
    names = found.words[word]
    lengths = sorted(found.seconds[name] for name in names if name in found.seconds)
    seconds = f"{lengths[0]:.2g} to {lengths[-1]:.2g}" if lengths else ""
    speakers = {found.speakers[name] for name in names if name in found.speakers}
    return word, f"{len(names):,}", seconds, f"{len(speakers)}" if speakers else "not known"


def _notes(found: Recordings) -> Iterator[str]:
    if found.commands:
        yield "Split: by the lists of the data. Name the words to tell in `data.reader.words`; others are `unknown`."
    elif found.speakers:
        count = len({*found.speakers.values()})
        yield f"Split: by speaker, {count} of them by the names of the files; nobody is in two parts."
    else:
        yield "Split: by recording, since no names tell who speaks: the numbers flatter. `pattern` can say where it is."
    rates = ", ".join(f"{count:,} of {rate:,} Hz" for rate, count in found.rates.most_common(3))
    yield f"Clips: {found.clip_seconds:g} s at {found.rate:,} Hz; opened {len(found.seconds):,} recordings: {rates}."
    longer = sum(seconds > found.clip_seconds for seconds in found.seconds.values())
    if longer:
        yield f"{longer:,} of those are longer: their loudest part is taken."
    for name, problem in [*found.broken.items()][:5]:
        yield f"`{printable(name)}`: {problem}; the run will name it."
    if found.others:
        yield f"Left out: {found.others:,} files that are no sound, by their names."
