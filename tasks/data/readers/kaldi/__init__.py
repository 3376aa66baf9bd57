"""Sound in a data folder of Kaldi. A recording that a command would make is a bad sample: nothing is run."""

import io
from collections.abc import Iterator
from pathlib import Path

from params.audio.readers import KaldiReader
from tasks.core.errors import DataError, mismatch
from tasks.data.readers.audio.listed import ListedClip, path_beside, reading_of
from tasks.data.readers.raw import members, open_raw, packed_files
from tasks.data.readers.samples import Reading

RECORDINGS, TEXTS, SEGMENTS, SPEAKERS = "wav.scp", "text", "segments", "utt2spk"
Table = dict[str, str]
"""first word of a line -> what is behind it"""


def read(reader: KaldiReader, raw: Path) -> Reading:
    """Opens a data folder.

    Raises:
        DataError: `wav.scp` or `text` is missing, or one of the files is no text.
    """
    names = {member.name for member, stream in members(packed_files(raw, reader.kind)) if stream is not None}
    folder = f"{reader.folder.rstrip('/')}/" if reader.folder else ""
    files = {name: f"{folder}{name}" for name in (RECORDINGS, TEXTS, SEGMENTS, SPEAKERS)}
    tables = {
        name: _table(raw, file) if file in names or name in (RECORDINGS, TEXTS) else {} for name, file in files.items()
    }
    return reading_of(reader, raw, [*_clips(tables, files[RECORDINGS])], [*files.values()])


def _table(raw: Path, name: str) -> Table:
    with open_raw(raw, name, "folder") as stream:
        try:
            lines = io.TextIOWrapper(stream, encoding="utf-8").read().splitlines()
        except UnicodeDecodeError as error:
            raise DataError(mismatch(name, "", "text in UTF-8", error, "is it the right file?")) from None
    pairs = (line.strip().partition(" ") for line in lines if line.strip())
    return {first: rest.strip() for first, _, rest in pairs}


def _clips(tables: dict[str, Table], scp: str) -> Iterator[ListedClip]:
    """Yields the utterances of `text` in their order."""
    for utterance, label in tables[TEXTS].items():
        recording, start, end, problem = _segment(tables, utterance)
        path, wrong = path_beside(scp, tables[RECORDINGS].get(recording, ""))
        if recording not in tables[RECORDINGS]:
            wrong = f"expected recording `{recording}` in `{scp}`, got none"
        speaker = tables[SPEAKERS].get(utterance, recording)
        yield ListedClip(utterance, path, label, start, end, speaker, problem=problem or wrong)


def _segment(tables: dict[str, Table], utterance: str) -> tuple[str, float | None, float | None, str]:
    """Returns the recording of an utterance, its begin and its end there, and what is wrong with that."""
    if not tables[SEGMENTS]:
        return utterance, None, None, ""
    words = tables[SEGMENTS].get(utterance, "").split()
    try:
        recording, start, end = words
        return recording, float(start), float(end), ""
    except ValueError:
        got = f"`{' '.join(words)}`" if words else "none"
        return "", None, None, f"expected a recording, a begin and an end in `{SEGMENTS}`, got {got}"
