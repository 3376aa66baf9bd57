"""A model that listens: windows over the last samples, looked at one hop after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ..bundle.predictor import Predictor
from ..bundle.session import INPUTS, Arrays
from ..errors import SettingsError
from ..preprocess.audio.clip import ClipFormat
from ..preprocess.audio.wav import Samples
from ..preprocess.waveform import WaveformPreprocessor
from .rules import Decider, DetectedWord, ListenRules

PROBABILITIES = "probabilities"
"""of an answer; kinds of task whose answers have none do not listen"""
Predict = Callable[[Arrays], Sequence[Mapping[str, object]]]


class Listener:
    """Takes sound in pieces of any length, and remembers one window of it.

    Args:
        predict: answers to windows as a model takes them.
        names: the labels.
        clips: what the model takes.
        rules: what decides.
    """

    def __init__(self, predict: Predict, names: Sequence[str], clips: ClipFormat, rules: ListenRules) -> None:
        self.format, self._predict, self._rules = clips, predict, rules
        self._decider = Decider(rules, names)
        self._window: Samples = np.zeros(clips.samples, np.float32)
        self._waiting: Samples = np.empty(0, np.float32)
        self._taken = 0

    def silence(self) -> Samples:
        """Returns as much silence as a last word may need until it is detected."""
        return np.zeros(self.format.samples + self._rules.smooth * self._rules.hop, np.float32)

    def feed(self, samples: Samples) -> Iterator[DetectedWord]:
        """Yields the words that are detected in further samples at the rate of the model."""
        hop = self._rules.hop
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= hop:
            self._slide(self._waiting[:hop])
            self._waiting = self._waiting[hop:].copy()  # else the piece that came would stay in memory
            if detected := self._look():
                yield detected

    def _slide(self, samples: Samples) -> None:
        joined = np.concatenate([self._window, samples])
        self._window = joined[-self.format.samples :].copy()
        self._taken += len(samples)

    def _look(self) -> DetectedWord | None:
        (answer,) = self._predict({INPUTS: self._window[np.newaxis]})
        probabilities = answer[PROBABILITIES]
        assert isinstance(probabilities, Mapping), "as the schema of the answers says"
        return self._decider.decide(probabilities, self._taken)


def listener_of(predictor: Predictor) -> Listener:
    """Returns what listens with a release.

    Raises:
        SettingsError: the release was not made for listening.
    """
    manifest, preprocessor = predictor.manifest, predictor.preprocessor
    schema = predictor.decoder.schema(manifest.targets)
    if manifest.listen is None or PROBABILITIES not in schema.get("properties", {}):
        raise SettingsError(
            f"`{manifest.name}`: expected a release that listens, got one without `listen` in its manifest;"
            " add `evaluate.listen` to its recipe"
        )
    if not isinstance(preprocessor, WaveformPreprocessor):
        raise SettingsError(f"`{manifest.name}`: expected a model of sound, got another; use `run`")
    return Listener(predictor.predict, manifest.targets["names"], preprocessor.format, manifest.listen)
