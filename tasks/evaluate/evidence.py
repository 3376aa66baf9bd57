"""What models make of a split, batch by batch: evidence is kept, outputs are let go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tasks.contracts.thresholds import OperatingPoint
from tasks.core.progress import Advance
from tasks.evaluate.intervals import Counts, Floats, Tally
from tasks.kinds.contract import Arrays
from tasks.training.arrays import SplitArrays
from tasks.training.measure import Measuring

AGREEMENT = "agreement"


class Answering(Protocol):
    """A model, or what answers like one."""

    def predict(self, inputs: Arrays) -> Arrays:
        """Returns the outputs of a batch."""


@dataclass(frozen=True)
class ModelEvidence:
    """What one model makes of n samples, and how alike each answer is to the reference's, (n,) in 0..1."""

    evidence: Any
    agreement: Floats

    def tally(self, measuring: Measuring) -> Tally:
        """Returns what makes every metric, and the agreement, of counts (m, n)."""

        def tallied(counts: Counts) -> Mapping[str, Floats]:
            agreement = counts @ self.agreement / counts.sum(axis=1)
            return {**measuring.part.tally(self.evidence, counts), AGREEMENT: agreement}

        return tallied


def gather(
    measuring: Measuring,
    sessions: Mapping[str, Answering],
    reference: str,
    split: SplitArrays,
    advance: Advance,
    points: Mapping[str, OperatingPoint],
) -> dict[str, ModelEvidence]:
    """Returns the evidence of every model; the reference answers each batch first, for the others to agree with.

    `points` are where models work; one that is not there works as the recipe says.
    """
    cards = {name: point.told(measuring.card) for name, point in points.items()}
    parts: dict[str, list[tuple[Any, Floats]]] = {name: [] for name in sessions}
    done = 0
    for batch in split.batches():
        targets, theirs = batch.targets, sessions[reference].predict(batch.inputs)
        for name, session in sessions.items():
            outputs = theirs if name == reference else session.predict(batch.inputs)
            evidence = measuring.part.evidence(outputs, targets, cards.get(name, measuring.card))
            parts[name].append((evidence, measuring.part.agreement(outputs, theirs)))
        done += len(batch)
        advance(done, len(split), "answers")
    return {name: _joined(measuring, found) for name, found in parts.items()}


def _joined(measuring: Measuring, parts: list[tuple[Any, Floats]]) -> ModelEvidence:
    evidence = measuring.part.joined([evidence for evidence, _ in parts])
    return ModelEvidence(evidence, np.concatenate([agreement for _, agreement in parts]))
