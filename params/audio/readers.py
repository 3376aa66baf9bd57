"""How files of sound are read: every clip becomes one channel of one rate and one length."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from params.section import LABEL, Names, Pattern, ReaderSection

SPEAKER = "speaker"


SampleRate = Annotated[int, Field(ge=1_000, le=384_000)]
"""samples per second"""


class AudioReader(ReaderSection):
    """Clips of sound: wav, flac, ogg and mp3 files of any rate, mixed to one channel."""

    layout = "waveform"
    sized = True
    sample_rate: SampleRate = 16_000
    """hertz; what the network and the device work at"""
    seconds: float = Field(default=1.0, gt=0, le=60)
    """of a clip; a shorter one lies in the middle of silence"""
    shortest: float = Field(default=0.1, gt=0)
    """seconds; a shorter file is a bad sample"""
    longer: Literal["refuse", "loudest"] = "refuse"
    """what becomes of a longer file: it is a bad sample, or gives its loudest part"""
    other_rates: Literal["resample", "refuse"] = "resample"
    """what becomes of files of other rates, here and on the device"""

    @model_validator(mode="after")
    def _shortest_is_shorter(self) -> Self:
        if self.shortest > self.seconds:
            raise ValueError(f"`shortest` {self.shortest:g} is longer than a clip of `seconds` {self.seconds:g}")
        return self

    @property
    def samples(self) -> int:
        """Of a clip."""
        return max(2, round(self.sample_rate * self.seconds))

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """(samples,)."""
        return (self.samples,)


class AudioFolderReader(AudioReader):
    """One folder per word; or `pattern` says where in a path the word is, and who speaks."""

    kind: Literal["audio_folder"]
    pattern: Pattern | None = None
    """with the groups `(?P<label>...)` for the word, where that is not the folder, and `(?P<speaker>...)`; others are
    columns that results are looked at by, too"""
    test: Pattern | None = None
    """files whose path it matches are the published test set"""
    validation: Pattern | None = None
    """files whose path it matches are the published validation set"""
    ignore: Names = ()
    """folders that are no word"""

    @property
    def published(self) -> bool:
        """Says whether there is a published test set."""
        return self.test is not None

    @property
    def groups(self) -> tuple[str, ...]:
        """The named groups of `pattern`."""
        return tuple(re.compile(self.pattern or "").groupindex)

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The speaker, and what else the path tells."""
        return tuple(name for name in self.groups if name != LABEL)

    @model_validator(mode="after")
    def _groups_are_named(self) -> Self:
        if self.pattern and not self.groups:
            raise ValueError(f"`pattern` has no named group; write `(?P<{SPEAKER}>...)` or `(?P<{LABEL}>...)`")
        if "id" in self.groups:
            raise ValueError("`pattern` has a group `id`, which is the name of a sample; call it otherwise")
        if self.validation and not self.test:
            raise ValueError("`validation` goes with `test`: they are the parts of a published split")
        return self


class SpeechCommandsReader(AudioReader):
    """The layout of Google's Speech Commands: a folder per word, lists of the test and validation set, and noise.

    Speakers are the hash before `_nohash_`. Labels beside the words are `unknown`, of other words, and `silence`, of
    pieces of `_background_noise_`: each of its files is cut into train, validation and test before pieces are made.
    """

    kind: Literal["speech_commands"]
    words: Names = ()
    """folders that are words to tell; clips in others are `unknown`. Empty: each folder is a word"""
    unknown: Annotated[float, Field(ge=0, le=1)] = 0.1
    """part of the clips of other words that are taken"""
    silence: bool = True
    """whether pieces of noise are samples, each at a loudness of its own"""
    seed: int = Field(default=0, ge=0)
    """of which other words, and of the loudness of noise"""

    @property
    def published(self) -> bool:
        """Always: by the lists."""
        return True

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The speaker."""
        return (SPEAKER,)


class ListedAudioReader(AudioReader):
    """Recordings that a list names, whole or from a second to a second."""

    kind: str

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The speaker, where the list tells."""
        return ()


class AudioTableReader(ListedAudioReader):
    """A CSV file with one row per clip: where it is, its word, and perhaps its begin and end, speaker and split."""

    kind: Literal["audio_table"]
    table: str
    """by its name in the source; paths in it are relative to it"""
    separator: str = Field(default=",", min_length=1, max_length=1)
    """the character between two cells"""
    path: str = "path"
    """the column with the paths of the sound files"""
    label: str = "label"
    """the column of the label"""
    start: str | None = None
    """the column that says where in its file a clip begins, in seconds; the beginning of the file unless said"""
    end: str | None = None
    """columns with the seconds where a clip begins and ends; else it is the whole file"""
    speaker: str | None = None
    """the column that says who speaks"""
    split: str | None = None
    """the column that says `train`, `validation` or `test`"""

    @property
    def published(self) -> bool:
        """Says whether there is a column with the split."""
        return self.split is not None

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The speaker, where there is such a column."""
        return (SPEAKER,) if self.speaker else ()


class KaldiReader(ListedAudioReader):
    """A data folder of Kaldi: `wav.scp`, `text`, perhaps `segments` and `utt2spk`. Commands in it are never run."""

    kind: Literal["kaldi"]
    folder: str = ""
    """below the source, where these files are; paths in `wav.scp` are relative to it"""

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """The speaker; of a folder without `utt2spk`, the recording."""
        return (SPEAKER,)
