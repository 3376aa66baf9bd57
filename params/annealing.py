"""Numbers of a recipe that may change from epoch to epoch."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, WrapValidator

from params.section import Fraction, Section

Temperature = Annotated[float, Field(gt=0, le=1000)]
NonNegative = Annotated[float, Field(ge=0)]


class Schedule(Section):
    """Goes from `start` in the first epoch to `end`."""

    start: float
    end: float
    shape: Literal["linear", "cosine"] = "linear"
    """cosine: slow at both ends"""
    over: float = Field(default=1.0, gt=0, le=1)
    """part of all epochs; after it the value stays at `end`"""


class FractionSchedule(Schedule):
    """Stays between 0 and 1."""

    start: Fraction
    end: Fraction


class TemperatureSchedule(Schedule):
    """Stays above 0."""

    start: Temperature
    end: Temperature


class WeightSchedule(Schedule):
    """Never becomes negative."""

    start: NonNegative
    end: NonNegative


def _number_or(schedule: type[Schedule], number: Any) -> Callable[[Any, Any], Any]:
    """Returns a validator that reads a mapping as a schedule and all else as a number.

    A union would complain twice about each mistake, once for either reading.
    """
    numbers: TypeAdapter[float] = TypeAdapter(number, config=ConfigDict(strict=True, allow_inf_nan=False))

    def read(given: Any, _union: Any) -> Any:
        if isinstance(given, dict | Schedule):
            return schedule.model_validate(given)
        return numbers.validate_python(given)

    return read


Scheduled = float | Schedule
# The schedule first: it is the alternative whose keys a message about an unknown key can name.
ScheduledFraction = Annotated[FractionSchedule | Fraction, WrapValidator(_number_or(FractionSchedule, Fraction))]
ScheduledTemperature = Annotated[
    TemperatureSchedule | Temperature, WrapValidator(_number_or(TemperatureSchedule, Temperature))
]
Weight = Annotated[WeightSchedule | NonNegative, WrapValidator(_number_or(WeightSchedule, NonNegative))]
