"""The names that the parts of this kind share: questions, the columns of their labels, the outputs of their logits."""

from typing import cast

from tasks.contracts.targets import TargetCard

FIRST = "label"
"""the first question, and the column of its labels; a further one goes by the name that the data gives it"""
LOGITS = "logits"
"""the output of the first question; that of a further one is `logits.NAME`"""
HEADS = "heads"
"""in the facts of the target card: further question -> its classes"""


def further_classes(card: TargetCard) -> dict[str, list[str]]:
    """Returns the classes of each question but the first, whose classes are the names of the card."""
    return cast(dict[str, list[str]], card.facts.get(HEADS, {}))


def questions(card: TargetCard) -> dict[str, list[str]]:
    """Returns the classes of each question, in order."""
    return {FIRST: list(card.names)} | further_classes(card)


def output_of(question: str) -> str:
    """Returns the name of the output that holds a question's logits."""
    return LOGITS if question == FIRST else f"{LOGITS}.{question}"


def widths(card: TargetCard) -> dict[str, int]:
    """Returns the number of classes of each question, by the name of its output."""
    return {output_of(name): len(classes) for name, classes in questions(card).items()}
