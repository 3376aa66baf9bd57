"""A sweep led by Optuna, which alone knows what a trial is."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial, TrialState

from flows.sweep.search import Values
from params.sweep import Optuna, Span

LIMITS = "limits"
"""a number above 0 tells Optuna that a student breaks some"""
DIGITS = 4
"""of a number that is drawn: it will be typed again"""


class OptunaSearch:
    """Asks in batches: with the same seed for the same students, whatever the number of workers."""

    def __init__(self, params: Optuna) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=params.seed)
        self._params, self._study = params, optuna.create_study(direction="maximize", sampler=sampler)
        self._space = {field: _distribution(span) for field, span in params.fields.items()}
        self._asked: list[tuple[Values, Trial]] = []

    def ask(self) -> Sequence[Values]:
        """Returns the next batch, or what is left of it."""
        left = self._params.trials - len(self._study.trials)
        batch = [self._ask() for _ in range(min(self._params.batch, left))]
        self._asked = batch
        return [values for values, _ in batch]

    def tell(self, values: Values, score: float | None, broken: int) -> None:
        """Tells Optuna of a student, in the order that they were asked for."""
        place = next(place for place, (asked, _) in enumerate(self._asked) if asked is values)
        _, trial = self._asked.pop(place)
        trial.set_constraint(LIMITS, broken)
        if score is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, score)

    def _ask(self) -> tuple[Values, Trial]:
        trial = self._study.ask(self._space)
        return {field: self._value(field, trial.params[field]) for field in self._space}, trial

    def _value(self, field: str, drawn: Any) -> Any:
        """Returns the choice at a drawn index; choices need not be of a type that Optuna knows."""
        span = self._params.fields[field]
        if span.choices:
            return span.choices[drawn]
        assert span.low is not None
        assert span.high is not None
        return drawn if isinstance(drawn, int) else min(max(float(f"{drawn:.{DIGITS}g}"), span.low), span.high)


def _distribution(span: Span) -> BaseDistribution:
    if span.choices:
        return CategoricalDistribution(tuple(range(len(span.choices))))
    if isinstance(span.low, int) and isinstance(span.high, int):
        return IntDistribution(span.low, span.high, log=span.log)
    return FloatDistribution(float(span.low or 0), float(span.high or 0), log=span.log)
