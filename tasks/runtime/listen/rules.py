"""What decides that a word was spoken; found in the recipe, signed with the release."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bundle.fields import Fields


@dataclass(frozen=True)
class ListenRules:
    """When a device that listens says that a word was spoken."""

    hop: int
    """samples between two looks at the last window"""
    smooth: int
    """looks whose mean counts"""
    threshold: float
    """of that mean, from which on a word is detected"""
    refractory: int
    """samples after a word in which no word is detected"""
    silent: tuple[str, ...]
    """labels that are no word, such as `unknown`"""


def read_rules(fields: Fields | None) -> ListenRules | None:
    """Returns the rules in a manifest; None where there are none.

    Raises:
        ManifestError: a field is missing or wrong.
    """
    if fields is None:
        return None
    hop, smooth, refractory = (fields.integer(name) for name in ("hop", "smooth", "refractory"))
    rules = ListenRules(hop, smooth, fields.number("threshold"), refractory, fields.texts("silent"))
    fields.finish()
    for name in ("hop", "smooth"):
        if getattr(rules, name) < 1:
            raise fields.wrong(name, "at least 1", getattr(rules, name))
    if not 0 < rules.threshold <= 1:
        raise fields.wrong("threshold", "a number above 0, at most 1", rules.threshold)
    return rules


@dataclass(frozen=True)
class DetectedWord:
    """A word, how sure the model was, and how many samples had come by then."""

    word: str
    confidence: float
    sample: int

    def to_json(self, rate: int) -> dict[str, Any]:
        """Returns the line that is printed; `seconds` is from the begin of the sound to when the word was detected."""
        return {"seconds": round(self.sample / rate, 3), "word": self.word, "confidence": round(self.confidence, 4)}


class Decider:
    """Turns what a model says of one window after the other into words, each once.

    A word is told when the mean of the last looks reaches the threshold. It is not told again before that mean has
    been below the threshold, nor any word within the refractory time.
    """

    def __init__(self, rules: ListenRules, names: Sequence[str]) -> None:
        self._rules, self._names = rules, [name for name in names if name not in rules.silent]
        self._last: deque[Mapping[str, float]] = deque(maxlen=rules.smooth)
        self._above: set[str] = set()
        self._free = 0
        """the sample from which on a word may be detected again"""

    def decide(self, probabilities: Mapping[str, float], sample: int) -> DetectedWord | None:
        """Returns the word that was spoken, if one was, after a look at the window that ends at `sample`."""
        self._last.append(probabilities)
        means = {name: sum(look[name] for look in self._last) / self._rules.smooth for name in self._names}
        above = {name for name, mean in means.items() if mean >= self._rules.threshold}
        new, self._above = above - self._above, above
        if not new or sample < self._free:
            return None
        word = max((name for name in self._names if name in new), key=lambda name: means[name])  # a set has no order
        self._free = sample + self._rules.refractory
        return DetectedWord(word, means[word], sample)
