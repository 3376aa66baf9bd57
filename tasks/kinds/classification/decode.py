"""Answers of a classifier in words, from its logits; imports nothing but numpy, and ships in the device's wheel."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOGITS = "logits"
Card = Mapping[str, Any]
"""of the manifest: `names` are the classes of the first question, `facts.heads` those of further ones"""


class ClassificationDecoder:
    """The part of the kind."""

    details = ()

    def decode(
        self,
        outputs: Mapping[str, NDArray[Any]],
        card: Card,
        detail: str = "",
    ) -> list[dict[str, Any]]:
        """Returns for each sample its label, how sure the model is of it, and the probability of every class.

        Raises:
            ValueError: a logit is infinite or not a number.
        """
        answers = [_answer(row, card["names"]) for row in outputs[LOGITS].tolist()]
        for name, classes in _further(card).items():
            for answer, row in zip(answers, outputs[f"{LOGITS}.{name}"].tolist(), strict=True):
                answer.setdefault("heads", {})[name] = _answer(row, classes)
        return answers

    def problems(self, shapes: Mapping[str, tuple[int | None, ...]], card: Card) -> Iterator[str]:
        """Yields where an output is missing, or has another number of logits than there are classes."""
        wanted = {LOGITS: card["names"]} | {f"{LOGITS}.{name}": classes for name, classes in _further(card).items()}
        for name, classes in wanted.items():
            if name not in shapes:
                yield f"expected an output `{name}`, got {', '.join(shapes)}"
            elif shapes[name][-1] not in (None, len(classes)):
                yield f"expected one logit of `{name}` for each of {len(classes)} classes, got {shapes[name][-1]}"

    def difference(self, golden: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> float:
        """Returns the largest difference of a logit; infinite where a shape differs."""
        if any(name not in got or got[name].shape != values.shape for name, values in golden.items()):
            return inf
        return max(float(np.max(np.abs(got[name] - values))) for name, values in golden.items())

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""
        schema = _schema(card["names"])
        further = {name: _schema(classes) for name, classes in _further(card).items()}
        if further:
            heads = {"type": "object", "properties": further, "required": [*further]}
            schema["properties"]["heads"] = heads
            schema["required"].append("heads")
        return schema


def softmax(logits: Sequence[float]) -> list[float]:
    """Returns the probabilities of one sample's logits; without NumPy, whose calls cost more than a few classes do.

    Raises:
        ValueError: a logit is infinite or not a number.
    """
    largest = max(logits)
    powers = [exp(logit - largest) for logit in logits]
    total = sum(powers)
    if not total < inf:  # so that NaN fails
        raise ValueError(f"expected finite logits, got {logits[:8]}")
    return [power / total for power in powers]


def _answer(logits: list[float], classes: Sequence[str]) -> dict[str, Any]:
    probabilities = softmax(logits)
    place = logits.index(max(logits))
    return {
        "label": classes[place],
        "confidence": probabilities[place],
        "probabilities": dict(zip(classes, probabilities, strict=True)),
    }


def _further(card: Card) -> Mapping[str, Sequence[str]]:
    heads: Mapping[str, Sequence[str]] = card["facts"].get("heads", {})
    return heads


def _schema(classes: Sequence[str]) -> dict[str, Any]:
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": [*classes]},
            "confidence": probability,
            "probabilities": {
                "type": "object",
                "properties": dict.fromkeys(classes, probability),
                "required": [*classes],
            },
        },
        "required": ["label", "confidence", "probabilities"],
    }


PART = ClassificationDecoder()
