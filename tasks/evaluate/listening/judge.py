"""Misses, false alarms and latency of a file that listens, at its threshold and at others.

A word is found where it is told from its first sample until a while after its last, once; all else that is told is a
false alarm: another word, a word twice, a word in noise or in a clip that is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from params.audio.listen import Listen
from params.evaluate import Evaluate
from tasks.contracts.metrics import Interval, wilson
from tasks.contracts.scores import Listening, ThresholdScore
from tasks.core.errors import RecipeError, mismatch
from tasks.evaluate.listening.stream import JudgingStream, Spoken, judging_stream
from tasks.runtime.bundle.decoder import kind_decoder
from tasks.runtime.bundle.latency import Predicts
from tasks.runtime.bundle.session import Arrays
from tasks.runtime.listen.listener import PROBABILITIES, Listener
from tasks.runtime.listen.rules import Decider, DetectedWord, ListenRules
from tasks.runtime.preprocess.audio.clip import ClipFormat
from tasks.training.network import PreparedData

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995)
FIELD = "evaluate.listen"
Looks = list[Mapping[str, float]]


@dataclass(frozen=True)
class Found:
    """What became of the words of a stream."""

    words: int
    latencies: Sequence[float]
    """seconds from the end of each word that was found until it was told"""
    false_alarms: int

    @property
    def misses(self) -> int:
        """Words that were not told."""
        return self.words - len(self.latencies)


def listening(params: Evaluate, session: Predicts, data: PreparedData) -> Listening:
    """Returns how a file does while it listens to the stream of the recipe.

    Args:
        params: what decides, the stream, and the confidence of intervals.
        session: the file that ships.
        data: the splits.

    Raises:
        RecipeError: the answers of this kind of task have no probabilities, or no label is a word.
    """
    assert params.listen is not None, "asked for where it is there"
    clips = _format(data)
    rules, stream = rules_of(params.listen, clips, data), judging_stream(params.listen, clips.rate, data)
    looks: Looks = []
    listener = Listener(_remembering(session, data, looks), data.targets.names, clips, rules)
    told = [detected for piece in stream.pieces() for detected in listener.feed(piece)]
    found = matched(told, stream.spoken, rules, clips)
    hours = stream.samples / clips.rate / 3_600
    curve = [_at(threshold, looks, stream, rules, clips, data) for threshold in THRESHOLDS]
    return Listening(
        hop=rules.hop,
        smooth=rules.smooth,
        threshold=rules.threshold,
        refractory=rules.refractory,
        silent=rules.silent,
        hours=hours,
        words=found.words,
        misses=found.misses,
        false_alarms=found.false_alarms,
        miss_rate=_part(found.misses, found.words, params.confidence),
        false_alarms_per_hour=_rate(found.false_alarms, hours, params.confidence),
        latency_s=float(np.median(found.latencies)) if found.latencies else None,
        curve=tuple(curve),
    )


def rules_of(params: Listen, clips: ClipFormat, data: PreparedData) -> ListenRules:
    """Returns what goes into the manifest; raises as `listening`."""
    names = data.targets.names
    silent = tuple(name for name in params.silent if name in names)
    card = data.targets.model_dump(mode="json")
    if PROBABILITIES not in kind_decoder(data.card.task).schema(card)["properties"] or set(silent) == {*names}:
        expected = "words to hear, by answers with probabilities"
        got = f"{data.card.task} of {', '.join(names)}, of which {', '.join(silent) or 'none'} are silent"
        raise RecipeError([mismatch("recipe", FIELD, expected, got, "remove it, or name other labels in `silent`")])
    hop, refractory = (round(ms * clips.rate / 1_000) for ms in (params.hop_ms, params.refractory_ms))
    return ListenRules(max(1, hop), params.smooth, params.threshold, refractory, silent)


def matched(told: Sequence[DetectedWord], spoken: Sequence[Spoken], rules: ListenRules, clips: ClipFormat) -> Found:
    """Returns which words were told, and what was told beside them."""
    words = [one for one in spoken if one.word not in rules.silent]
    patience = clips.samples + rules.smooth * rules.hop
    found: dict[int, float] = {}
    for detected in told:
        near = [n for n, one in enumerate(words) if one.start <= detected.sample <= one.end + patience]
        place = next((n for n in near if words[n].word == detected.word and n not in found), None)
        if place is not None:
            found[place] = (detected.sample - words[place].end) / clips.rate
    return Found(len(words), [*found.values()], len(told) - len(found))


def _format(data: PreparedData) -> ClipFormat:
    facts: dict[str, Any] = {name: value for name, value in data.card.preprocessing.items() if name != "kind"}
    return ClipFormat(**facts)


def _remembering(session: Predicts, data: PreparedData, looks: Looks) -> Any:
    """Returns what answers to windows, and puts the probabilities into `looks`."""
    decoder, card = kind_decoder(data.card.task), data.targets.model_dump(mode="json")

    def predict(inputs: Arrays) -> Sequence[Mapping[str, Any]]:
        answers = decoder.decode(session.predict(inputs), card)
        looks.extend(answer[PROBABILITIES] for answer in answers)
        return answers

    return predict


def _at(
    threshold: float, looks: Looks, stream: JudgingStream, rules: ListenRules, clips: ClipFormat, data: PreparedData
) -> ThresholdScore:
    """Returns what another threshold would come to on the same answers."""
    decider = Decider(replace(rules, threshold=threshold), data.targets.names)
    decided = (decider.decide(look, number * rules.hop) for number, look in enumerate(looks, start=1))
    found = matched([detected for detected in decided if detected], stream.spoken, rules, clips)
    hours = stream.samples / clips.rate / 3_600
    return ThresholdScore(
        threshold=threshold,
        miss_rate=found.misses / max(found.words, 1),
        false_alarms_per_hour=found.false_alarms / hours,
    )


def _part(hits: int, count: int, confidence: float) -> Interval:
    low, high = wilson(hits, max(count, 1), confidence)
    return Interval(value=hits / max(count, 1), low=low, high=high)


def _rate(events: int, hours: float, confidence: float) -> Interval:
    """Returns a rate with the exact interval of a Poisson count (Garwood 1936)."""
    from scipy.stats import chi2

    side = (1 - confidence) / 2
    low = chi2.ppf(side, 2 * events) / 2 if events else 0.0
    high = chi2.ppf(1 - side, 2 * events + 2) / 2
    return Interval(value=events / hours, low=float(low) / hours, high=float(high) / hours)
