"""What the report shows of an amount beside its metrics: nothing yet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.contracts.scores import Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.contract import Rows, SplitSamples


class AmountFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Any], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields no table."""
        yield from ()

    def figures(
        self, evidence: Mapping[str, Any], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields no picture."""
        yield from ()

    def mistakes(self, evidence: Any, card: TargetCard) -> Iterator[Table]:
        """Yields no table."""
        yield from ()

    def answers_in_words(self, evidence: Any, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns each answer, and what it should be."""
        return tuple(f"{evidence.predicted[row]:.3g} for {evidence.true[row]:.3g}" for row in rows)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls it."""
        return "tabular-regression"

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns nothing that a card does not say of every model."""
        return ()


PART = AmountFigures()
