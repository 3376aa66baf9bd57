"""Numbers of a recipe that may change from epoch to epoch."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, WrapValidator

from params.section import Fraction, Section

Temperature = Annotated[float, Field(gt=0, le=1000)]
NonNegative = Annotated[float, Field(ge=0)]


class Annealing(Section):
    """Goes from `start` in the first epoch to `end`."""

    start: float
    """in the first epoch"""
    end: float
    """in the last epoch"""
    shape: Literal["linear", "cosine"] = "linear"
    """cosine: slow at both ends"""
    over: float = Field(default=1.0, gt=0, le=1)
    """part of all epochs; after it the value stays at `end`"""


class FractionAnnealing(Annealing):
    """Stays between 0 and 1."""

    start: Fraction
    end: Fraction


class TemperatureAnnealing(Annealing):
    """Stays above 0."""

    start: Temperature
    end: Temperature


class WeightAnnealing(Annealing):
    """Never becomes negative."""

    start: NonNegative
    end: NonNegative


def _number_or(annealing: type[Annealing], number: Any) -> Callable[[Any, Any], Any]:
    """Returns a validator that reads a mapping as an annealing and all else as a number.

    A union would complain twice about each mistake, once for either reading.
    """
    numbers: TypeAdapter[float] = TypeAdapter(number, config=ConfigDict(strict=True, allow_inf_nan=False))

    def read(given: Any, _union: Any) -> Any:
        if isinstance(given, dict | Annealing):
            return annealing.model_validate(given)
        return numbers.validate_python(given)

    return read


Annealed = float | Annealing
# The annealing first: it is the alternative whose keys a message about an unknown key can name.
AnnealedFraction = Annotated[FractionAnnealing | Fraction, WrapValidator(_number_or(FractionAnnealing, Fraction))]
AnnealedTemperature = Annotated[
    TemperatureAnnealing | Temperature, WrapValidator(_number_or(TemperatureAnnealing, Temperature))
]
Weight = Annotated[WeightAnnealing | NonNegative, WrapValidator(_number_or(WeightAnnealing, NonNegative))]
