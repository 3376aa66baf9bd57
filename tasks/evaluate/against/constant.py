"""The best answer that looks at no input, judged like a model: what is not better than it has learned nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.scores import STUDENT, ConstantScore
from tasks.evaluate.score import EvalContext
from tasks.kinds.contract import Arrays, Constant
from tasks.layouts import INPUTS
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

CONSTANT = "constant"
TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class ConstantModel:
    """Gives each sample the same outputs; `words` say which."""

    words: str
    outputs: Arrays

    def predict(self, inputs: Arrays) -> Mapping[str, NDArray[Any]]:
        """Returns the outputs for a batch."""
        samples = len(inputs[INPUTS])
        return {name: np.repeat(values, samples, axis=0) for name, values in self.outputs.items()}


def constant_of(data: PreparedData) -> ConstantModel:
    """Returns the best constant answer for the training split; for validation where no training sample has a target."""
    split = TRAIN if data.card.splits[TRAIN].samples else VALIDATION
    targets = open_split(data.directory, split).targets_by_shard()
    found: Constant = data.measuring.part.constant(targets, data.measuring.card)
    return ConstantModel(found.words, found.outputs)


def constant_score(context: EvalContext, model: ConstantModel) -> ConstantScore:
    """Returns what it scores, and what the student is better by, on the same samples."""
    gains = context.gains(STUDENT, CONSTANT)
    return ConstantScore(words=model.words, metrics=context.metrics(CONSTANT), gains=gains)
