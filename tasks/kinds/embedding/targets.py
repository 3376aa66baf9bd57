"""Targets of an embedding: the identity of each sample, and which listed pairs it is part of.

A reader gives the identity as its label. It may give the numbers of pairs that the source lists to judge by, and the
fold of the sample. Names of identities are in the table of a split and nowhere else: arrays, cards and what ships know
a number of each, or none.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from params.kinds.embedding import Embedding
from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets, number_of
from tasks.core.errors import mismatch
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows
from tasks.kinds.embedding.names import FOLD, IDENTITY, LABEL, LISTED, listed_of

FACTS = "embedding"
"""in what is declared of the label: the section of the recipe"""
JUDGING = ("validation", "test")
LEAST = 4
"""identities of two samples or more in a split that judges: a threshold is found on one half and judged on the other"""
SHOWN = 5


class IdentityGist(NamedTuple):
    """What is remembered of one sample."""

    identity: str
    fold: int = 0
    listed: tuple[int, ...] = ()


class EmbeddingTargets:
    """The part of the kind."""

    def gist(self, raw: Raw, declared: Declared) -> IdentityGist:
        """Returns the identity, the fold and the listed pairs."""
        if LABEL not in raw:
            raise BadTargetError("expected an identity, got none; take a reader that gives labels")
        identity = str(raw[LABEL]).strip()
        if not identity:
            raise BadTargetError("expected an identity, got none; samples without one belong in `data.unlabelled`")
        return IdentityGist(identity, raw.get(FOLD, 0), tuple(raw.get(LISTED, ())))

    def table(self, gists: Sequence[IdentityGist], declared: Declared) -> Mapping[str, Sequence[Any]]:
        """Returns the identities, to split by."""
        return {LABEL: [gist.identity for gist in gists]}

    def card(self, gists: Sequence[IdentityGist], declared: Declared) -> TargetCard:
        """Returns what the recipe says of embeddings, and in how many listed pairs a sample is at most."""
        facts = declared.get(LABEL, {}).get(FACTS) or Embedding().facts
        listed = max((len(gist.listed) for gist in gists), default=0)
        return TargetCard(facts={**facts, **({LISTED: listed} if listed else {})})

    def nominal(self) -> TargetCard:
        """Returns embeddings as they are unless a recipe says otherwise."""
        return TargetCard(facts={**Embedding().facts})

    def strata(self, gists: Sequence[IdentityGist], card: TargetCard) -> Strata:
        """Returns one group of all: an identity is in one split alone."""
        return Strata(("",), np.zeros(len(gists), dtype=np.int64))

    def problems(self, trained: Sequence[IdentityGist], card: TargetCard) -> Iterator[str]:
        """Yields why there is nothing to learn from."""
        counts = Counter(gist.identity for gist in trained)
        if len(counts) < 2:
            got = f"`{next(iter(counts))}` alone" if counts else "none"
            yield mismatch("identities", "", "two or more to train on", got, "add samples of others")

    def problems_of_splits(self, splits: Mapping[str, Sequence[IdentityGist]], card: TargetCard) -> Iterator[str]:
        """Yields identities that are in two splits, and splits that cannot judge."""
        parts: dict[str, set[str]] = {}
        for split, gists in splits.items():
            for gist in gists:
                parts.setdefault(gist.identity, set()).add(split)
        crossing = [(identity, found) for identity, found in parts.items() if len(found) > 1]
        if crossing:
            shown = "; ".join(f"`{identity}` in {' and '.join(sorted(found))}" for identity, found in crossing[:SHOWN])
            more = f", and {len(crossing) - SHOWN} more" if len(crossing) > SHOWN else ""
            do = "say `split: {kind: grouped, by: label}`, or correct the published split"
            yield mismatch("identities", "", "each in one split alone", shown + more, do)
        yield from _torn(splits)
        for split in JUDGING:
            yield from _lacking(split, splits.get(split, ()))

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns the identity and, where pairs are listed, the fold and their numbers."""
        identity = Column(name=IDENTITY, dtype="int64")
        if not (listed := listed_of(card)):
            return (identity,)
        return (
            identity,
            Column(name=FOLD, dtype="int64"),
            Column(name=LISTED, dtype="int64", shape=(listed,)),
        )

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the number of the identity; the listed pairs are filled up with 0."""
        gist = self.gist(raw, declared)
        arrays = {IDENTITY: np.array(number_of(gist.identity), dtype=np.int64)}
        if listed := listed_of(card):
            numbers = np.zeros(listed, dtype=np.int64)
            numbers[: len(gist.listed)] = gist.listed
            arrays |= {FOLD: np.array(gist.fold, dtype=np.int64), LISTED: numbers}
        return arrays

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns how many identities there are, and how many of them have one sample alone; listed pairs alike."""
        identities, pairs = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for part in parts:
            identities.append(np.asarray(part[IDENTITY]))
            pairs.append(np.asarray(part[LISTED]).ravel() if listed_of(card) else pairs[0])
        _, counts = np.unique(np.concatenate(identities), return_counts=True)
        told = {"identities": len(counts), "of one sample": int((counts == 1).sum())}
        numbers, samples = np.unique(np.concatenate(pairs), return_counts=True)
        whole, torn = (int((samples[numbers > 0] == wanted).sum()) for wanted in (2, 1))
        return told | ({"listed pairs": whole, "without one sample": torn} if listed_of(card) else {})

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns them as they are: an identity has the same number everywhere."""
        return targets

    def groups(self, targets: Targets) -> Rows:
        """Returns one group: few samples that stand for all are neighbours, since some must be of one identity."""
        return np.zeros(len(targets), dtype=np.int64)

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns them as they are: a picture shows the same one wherever it is."""
        return targets


def _torn(splits: Mapping[str, Sequence[IdentityGist]]) -> Iterator[str]:
    """Yields listed pairs whose samples are in two splits."""
    parts: dict[int, set[str]] = {}
    for split, gists in splits.items():
        for gist in gists:
            for number in gist.listed:
                parts.setdefault(number, set()).add(split)
    torn = [number for number, found in parts.items() if len(found) > 1]
    if torn:
        got = f"{len(torn)} in two, such as pair {torn[0]}"
        yield mismatch("listed pairs", "", "both samples in one split", got, "correct the folds, or leave `pairs` out")


def _lacking(split: str, gists: Sequence[IdentityGist]) -> Iterator[str]:
    counts = Counter(gist.identity for gist in gists)
    several = sum(count > 1 for count in counts.values())
    if several < LEAST:
        expected = f"at least {LEAST} of two samples or more in {split}: one sample alone is never a positive pair"
        yield mismatch("identities", "", expected, f"{several}", f"add some, or make `split.{split}` larger")


PART = EmbeddingTargets()
