"""Targets of classification: one class out of several for each question; its place in their order is the label.

A reader names the questions: `label` first, then further ones. What recipe and source may say of a question:

- `names`: its classes in the order of their labels; other texts are unknown.
- `values`: the same in any order.
- `above`: the file holds numbers; those above are of the second of two `names`, all others of the first.
- `numbered`: the file holds places in `names`.
- `column`: what the column is called in the file.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets
from tasks.core.errors import mismatch
from tasks.kinds.classification.names import FIRST, HEADS, questions
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows

UNKNOWN = "unknown label"
NOMINAL_CLASSES = 10
MOST_LISTED = 12
"""classes in a message"""
Gist = tuple[str, ...]
"""the class of each question"""


class ClassificationTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> Hashable:
        """Returns the class of each question."""
        return tuple(_class_of(name, raw[name], facts) for name, facts in declared.items())

    def table(self, gists: Sequence[Gist], declared: Declared) -> dict[str, list[str]]:
        """Returns the classes of each question."""
        return {name: [gist[place] for gist in gists] for place, name in enumerate(declared)}

    def card(self, gists: Sequence[Gist], declared: Declared) -> TargetCard:
        """Returns the classes of each question: those declared, else those that are there."""
        first, *further = (
            _declared_classes(facts) or in_order(gist[place] for gist in gists)
            for place, facts in enumerate(declared.values())
        )
        heads = {name: list(classes) for name, classes in zip(list(declared)[1:], further, strict=True)}
        return TargetCard(names=first, facts={HEADS: heads} if heads else {})

    def nominal(self) -> TargetCard:
        """Returns ten classes."""
        return TargetCard(names=tuple(map(str, range(NOMINAL_CLASSES))))

    def strata(self, gists: Sequence[Gist], card: TargetCard) -> Strata:
        """Returns the classes of the first question."""
        number = _numbers(card.names)
        return Strata(card.names, np.array([number[gist[0]] for gist in gists], dtype=np.int64))

    def problems(self, trained: Sequence[Gist], card: TargetCard) -> Iterator[str]:
        """Yields questions of fewer than two classes, and classes of further ones that no sample is trained on."""
        for place, (name, classes) in enumerate(questions(card).items()):
            where, do = ("classes", "add samples of another") if name == FIRST else (f"head {name}", "leave it out")
            if len(classes) < 2:
                got = f"only `{classes[0]}`" if classes else "none"
                yield mismatch(where, "", "at least two classes", got, do)
            taught = {gist[place] for gist in trained}
            for one in classes if name != FIRST else ():
                if one not in taught:
                    do = "add samples, or name the head in `data.split.by`"
                    yield mismatch(where, "", f"`{one}` among the samples to train on", "none", do)

    def problems_of_splits(
        self,
        splits: Mapping[str, Sequence[Gist]],
        card: TargetCard,
    ) -> Iterator[str]:
        """Yields nothing."""
        return iter(())

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns a column of labels per question."""
        return tuple(Column(name=name, dtype="int64") for name in questions(card))

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the label of each question."""
        pairs = questions(card).items()
        return {name: np.array(classes.index(_class_of(name, raw[name], declared[name]))) for name, classes in pairs}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns how many samples each class has, by question."""
        counts = {name: np.zeros(len(classes), dtype=np.int64) for name, classes in questions(card).items()}
        for part in parts:
            for name, total in counts.items():
                total += np.bincount(part[name], minlength=len(total))
        return {
            name: dict(zip(classes, counts[name].tolist(), strict=True)) for name, classes in questions(card).items()
        }

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns the labels by the order of another card; a class that it does not know comes behind its last.

        A question that only the other card asks is answered with -1.
        """
        ours = questions(card)
        return Targets(
            {
                name: _places(ours[name], classes)[targets[name]]
                if name in ours
                else np.full(len(targets), -1, dtype=np.int64)
                for name, classes in questions(to).items()
            }
        )

    def groups(self, targets: Targets) -> Rows:
        """Returns the labels of the first question."""
        labels: Rows = np.asarray(targets[FIRST], dtype=np.int64)
        return labels

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns them as they are: a picture shows the same thing wherever it is."""
        return targets


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns the different labels in order: by value where all are numbers, else as text."""
    different = sorted(set(labels))
    if all(_number(label) is not None for label in different):
        return tuple(sorted(different, key=lambda label: (float(label), label)))
    return tuple(different)


def text_of(value: Any) -> str:
    """Returns a value of the file as text; whole numbers without the `.0` that a float column gives them."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _class_of(name: str, value: Any, facts: Mapping[str, Any]) -> str:
    names, column = tuple(facts.get("names", ())), facts.get("column", name)
    if facts.get("numbered"):
        return str(names[value]) if value < len(names) else _unknown(f"number {value}", names)
    text = text_of(value)
    if not text:
        raise BadTargetError(f"expected a value in column `{column}`, got none")
    if facts.get("above") is not None:
        number = _number(text)
        if number is None:
            raise BadTargetError(f"expected a number in column `{column}`, got `{text}`")
        return str(names[number > facts["above"]])
    known = names or tuple(facts.get("values", ()))
    return text if not known or text in known else _unknown(text, names or in_order(known))


def _unknown(text: str, known: tuple[str, ...]) -> str:
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    listed = ", ".join(known[:MOST_LISTED]) + more
    raise BadTargetError(f"expected a label among {listed}, got `{text}`", UNKNOWN)


def _declared_classes(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(facts.get("names", ())) or in_order(facts.get("values", ()))


def _numbers(classes: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(classes)}


def _places(ours: Sequence[str], theirs: Sequence[str]) -> Rows:
    """Returns for each of our classes its place among theirs; new ones come behind, in the order of their names."""
    place = _numbers((*theirs, *sorted({*ours} - {*theirs})))
    return np.array([place[name] for name in ours], dtype=np.int64)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


PART = ClassificationTargets()
