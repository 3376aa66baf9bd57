"""The metrics that a recipe names: which its kind of task has, and where it names another."""

import difflib
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple, Protocol

from params.distill import Distill
from params.objectives import SoftenedObjective
from params.pipeline import Recipe
from tasks.contracts.metrics import Metric
from tasks.kinds.contract import MetricsPart, TargetsPart, part

EMBEDDING = "embedding"
"""of an answer; answers of kinds of task that have none are not compared with each other"""
CONFIDENCE = "confidence"
"""of an answer, 0..1; kinds of task whose answers have none cannot defer"""
UNLESS_NAMED = 0.01
"""how much worse than the student a file may be in the metric that decides, where the recipe says nothing"""


class Unknown(NamedTuple):
    """A name in a recipe that its kind of task does not have."""

    location: tuple[str, ...]
    expected: str
    got: str
    do: str


class Describes(Protocol):
    """What a decoder says of its answers; `Decoder` itself comes with ONNX Runtime, and a recipe is read without it."""

    def schema(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""


def metrics_part(kind: str) -> MetricsPart[Any]:
    """Returns what measures a kind of task.

    Raises:
        RecipeError: there is no such kind.
    """
    found: MetricsPart[Any] = part(kind, "metrics", MetricsPart)
    return found


def metrics_of(kind: str) -> tuple[Metric, ...]:
    """Returns the metrics of a kind of task, the one that decides first."""
    return metrics_part(kind).metrics


def deciding(kind: str) -> Metric:
    """Returns the metric that decides which epoch, candidate or student is better."""
    return metrics_of(kind)[0]


def below_student(recipe_limits: Mapping[str, float] | None, metrics: tuple[Metric, ...]) -> Mapping[str, float]:
    """Returns how much worse than the student a file may be, by metric."""
    return {metrics[0].limit: UNLESS_NAMED} if recipe_limits is None else recipe_limits


def unknown_metrics(recipe: Recipe) -> Iterator[Unknown]:
    """Yields every name in the recipe's limits that its kind of task does not have.

    Raises:
        RecipeError: there is no such kind.
    """
    known = [metric.limit for metric in metrics_of(recipe.data.task)]
    for location, limits in _named(recipe):
        for name in limits:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                do = f"did you mean `{close[0]}`?" if close else "take one that is there"
                expected = f"a metric of {recipe.data.task}, one of {', '.join(f'`{one}`' for one in known)}"
                yield Unknown((*location, name), expected, f"the unknown metric `{name}`", do)


def refused_deferral(recipe: Recipe) -> Iterator[Unknown]:
    """Yields why answers of the recipe's kind of task cannot be left to others as it asks for.

    Raises:
        RecipeError: there is no such kind.
    """
    kind = recipe.data.task
    for name, limit in recipe.evaluate.defer.items():
        if CONFIDENCE not in _answers(kind):
            got = f"{kind}, whose answers have none"
            yield Unknown(("evaluate", "defer"), "a kind of task whose answers have a confidence", got, "remove it")
        elif name != deciding(kind).name:
            yield Unknown(("evaluate", "defer", name), f"`{deciding(kind).name}`", f"`{name}`", "name that one")
        elif not 0.5 < limit < 1:
            yield Unknown(("evaluate", "defer", name), "a number above 0.5 and below 1", str(limit), "change it")


def refused_verification(recipe: Recipe) -> Iterator[Unknown]:
    """Yields why answers of the recipe's kind of task cannot be compared as it asks for.

    Raises:
        RecipeError: there is no such kind.
    """
    if recipe.evaluate.verify and EMBEDDING not in _answers(recipe.data.task):
        got = f"{recipe.data.task}, whose answers are not compared"
        yield Unknown(("evaluate", "verify"), "a kind of task whose answers are embeddings", got, "remove it")


def refused_operation(recipe: Recipe) -> Iterator[Unknown]:
    """Yields why no threshold can be found that makes answers of the recipe's kind of task keep the limit asked for.

    Raises:
        RecipeError: there is no such kind.
    """
    kind = recipe.data.task
    able = {metric.name: metric for metric in metrics_of(kind) if metric.threshold}
    for name, limit in recipe.evaluate.operate.items():
        if not able:
            expected, got = "a kind of task whose answers depend on a threshold", f"{kind}, whose answers do not"
            yield Unknown(("evaluate", "operate"), expected, got, "remove it")
        elif name not in able:
            expected = f"one of {', '.join(f'`{one}`' for one in able)}"
            yield Unknown(("evaluate", "operate", name), expected, f"`{name}`", "name one that a threshold decides")
        elif not able[name].low <= limit <= able[name].high:
            low, high = able[name].low, able[name].high
            expected = f"a number from {low:g} to {high:g}" if isfinite(high) else f"a number of at least {low:g}"
            yield Unknown(("evaluate", "operate", name), expected, f"{limit:g}", "change it")


def refused_objectives(recipe: Recipe) -> Iterator[Unknown]:
    """Yields objectives of softened probabilities where a kind of task has none: an embedding is no logits.

    Raises:
        RecipeError: there is no such kind.
    """
    if has_probabilities(recipe.data.task):
        return
    lessons: dict[tuple[str, ...], Distill] = {("distill",): recipe.distill}
    if recipe.assistant:
        lessons[("assistant", "distill")] = recipe.assistant.distill
    for where, distill in lessons.items():
        for one in distill.objectives:
            if isinstance(one, SoftenedObjective):
                do = "say `[{kind: cosine}]`, or name `output_relation`, `output_similarity` or objectives on layers"
                expected = f"objectives of vectors, as an {recipe.data.task} has no probabilities"
                yield Unknown((*where, "objectives"), expected, f"`{one.kind}`", do)


def has_probabilities(kind: str) -> bool:
    """Returns whether outputs of a kind of task become probabilities.

    Raises:
        RecipeError: there is no such kind.
    """
    return EMBEDDING not in _answers(kind)


def refused_names(recipe: Recipe) -> Iterator[Unknown]:
    """Yields all that the recipe asks for and its kind of task does not have.

    Raises:
        RecipeError: there is no such kind.
    """
    for refused in (unknown_metrics, refused_deferral, refused_objectives, refused_verification, refused_operation):
        yield from refused(recipe)


def _answers(kind: str) -> Mapping[str, Any]:
    """Returns the fields of an answer of a kind of task."""
    card = part(kind, "targets", TargetsPart).nominal().model_dump(mode="json")
    fields: Mapping[str, Any] = part(kind, "decode", Describes).schema(card)["properties"]
    return fields


def _named(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], Mapping[str, float]]]:
    for environment, gate in recipe.promote.gates.items():
        yield ("promote", environment, "quality"), gate.quality
        yield ("promote", environment, "below_teacher"), gate.below_teacher
    yield ("compress", "limits", "below_student"), recipe.compress.limits.below_student or {}
