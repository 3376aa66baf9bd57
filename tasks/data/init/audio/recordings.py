"""What there is to know of a folder of recordings: words, speakers, lengths and rates."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from tasks.data.readers.audio.sound import is_sound, read_sound
from tasks.data.readers.speech_commands import LISTS, NO_SPEAKER, NOISE
from tasks.data.sources.walk import walked
from tasks.runtime.preprocess.audio.wav import UnreadableSoundError

LOOKED_AT = 500
"""recordings that are opened, spread over all of them"""
FEWEST_SPEAKERS = 3
"""one per part"""
IN_NAMES = "(?P<label>[^/_]+)_(?P<speaker>[^/_]+)_[^/]*$"
SPEAKERS = (f"(?P<speaker>[^/]+){NO_SPEAKER}", "/(?P<speaker>[^/_]+)_[^/]*$", "/(?P<speaker>[^/-]+)-[^/]*$")
"""where people write who speaks"""


@dataclass
class Recordings:
    """Of each word the paths of its recordings, and what those that were opened are like."""

    words: dict[str, list[str]]
    pattern: str = ""
    """for `data.reader.pattern`; empty where the folder is all that is known"""
    speakers: dict[str, str] = field(default_factory=dict)
    """path -> speaker"""
    commands: bool = False
    """whether it is the layout of Speech Commands"""
    others: int = 0
    """files that are no sound, by their names"""
    seconds: dict[str, float] = field(default_factory=dict)
    rates: Counter[int] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def clip_seconds(self) -> float:
        """The length that all but one in a hundred fit into, in steps of a tenth, two seconds at most."""
        longest = float(np.quantile([*self.seconds.values()], 0.99)) if self.seconds else 1.0
        return min(2.0, max(0.2, float(np.ceil(round(longest * 10, 6)) / 10)))

    @property
    def rate(self) -> int:
        """The most frequent rate, 16 kHz at most: words need no more."""
        return min(16_000, self.rates.most_common(1)[0][0] if self.rates else 16_000)


def recordings_in(folder: Path) -> Recordings:
    """Looks at a folder; a few of its recordings are opened."""
    paths = dict(walked(folder))
    files = [name for name, path in paths.items() if path.is_file()]
    sounds = [name for name in files if is_sound(name)]
    found = _sorted(sounds)
    found.commands = all(name in files for name in LISTS)
    found.others = len(files) - len(sounds)
    for name in sounds[:: max(1, len(sounds) // LOOKED_AT)]:
        _hear(found, name, paths[name])
    return found


def _sorted(sounds: Sequence[str]) -> Recordings:
    """Returns the recordings by folder; where all lie in one, by the beginning of their names."""
    words = _by_folder(sounds)
    if len(words) < 2 and all(re.search(IN_NAMES, name) for name in sounds):
        told = {name: found for name in sounds if (found := re.search(IN_NAMES, name))}
        words = defaultdict(list)
        for name, match in told.items():
            words[match["label"]].append(name)
        speakers = {name: match["speaker"] for name, match in told.items()}
        if _plausible(speakers, words):
            return Recordings(dict(words), IN_NAMES, speakers)
    for pattern in SPEAKERS:
        matches = {name: re.search(pattern, name) for name in sounds}
        speakers = {name: match["speaker"] for name, match in matches.items() if match}
        if len(speakers) == len(sounds) and _plausible(speakers, words):
            return Recordings(words, pattern, speakers)
    return Recordings(words)


def _by_folder(sounds: Sequence[str]) -> dict[str, list[str]]:
    words: defaultdict[str, list[str]] = defaultdict(list)
    for name in sounds:
        if (folder := PurePosixPath(name).parent.name) != NOISE:
            words[folder].append(name)
    return dict(words)


def _plausible(speakers: dict[str, str], words: dict[str, list[str]]) -> bool:
    """Says whether these are speakers: a few, who each say several words."""
    said = defaultdict(set)
    for word, names in words.items():
        for name in names:
            said[speakers.get(name, "")].add(word)
    several = sum(len(some) > 1 for some in said.values())
    return FEWEST_SPEAKERS <= len(said) <= max(len(speakers) // 3, FEWEST_SPEAKERS) and several > 0.8 * len(said)


def _hear(found: Recordings, name: str, path: Path) -> None:
    try:
        sound = read_sound(path.read_bytes())
    except UnreadableSoundError as error:
        found.broken[name] = str(error)
        return
    found.seconds[name] = len(sound.samples) / sound.rate
    found.rates[sound.rate] += 1
