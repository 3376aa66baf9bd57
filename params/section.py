"""What every section of a recipe has in common: unknown keys are refused, nothing is coerced, nothing changes later."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"


class Section(BaseModel):
    """A frozen part of a recipe; `"4"` is not 4 and `lerning_rate` is an error, not a new key."""

    # Deferred: the validator of the whole recipe is built once, and those of its parts are not needed.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


# YAML has lists and no tuples: the container may be converted, its items may not.
PositiveInts = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Part = Literal["train", "validation", "test"]
"""of a published split"""
PartFraction = Annotated[float, Field(gt=0, lt=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
NpmName = Annotated[str, Field(pattern=r"^(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*$")]
NpmVersion = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+[0-9A-Za-z.+-]*$")]
"""of a release, exactly: anything else may be an address that npm would run something of"""


def _dotted(found: Any) -> Any:
    """Takes `{iou: {worst: 0.8}}`, which is what `--set` makes of `iou.worst=0.8`, for `{iou.worst: 0.8}`."""
    if not isinstance(found, dict):
        return found
    flat: dict[Any, Any] = {}
    for name, value in found.items():
        inner = _dotted(value)
        flat |= {f"{name}.{end}": one for end, one in inner.items()} if isinstance(inner, dict) else {name: inner}
    return flat


MetricLimits = Annotated[dict[str, float], BeforeValidator(_dotted)]
"""metric of the kind of task -> limit; `NAME.worst` is the worst group of a metric per group"""


def not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses an empty tuple; `min_length` would also count items that are wrong as absent, and complain twice."""
    if not items:
        raise PydanticKnownError("too_short", {"field_type": "Tuple", "min_length": 1, "actual_length": 0})
    return items


def twice(field: str, names: tuple[str, ...]) -> list[str]:
    """Returns what to tell of names that come twice in a field."""
    return [f"`{field}` has `{name}` twice" for name, count in Counter(names).items() if count > 1]


def require_parts(splits: Mapping[Part, object]) -> None:
    """Refuses a published split without a part to train or to test on; validation may be cut from the first.

    Raises:
        ValueError: naming what is missing.
    """
    if missing := [name for name in ("train", "test") if splits and name not in splits]:
        raise ValueError(f"`splits` needs `{'` and `'.join(missing)}`")


def differ(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses a name that comes twice, and one name alone."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"`{twice[0]}` is there twice")
    if len(names) == 1:
        raise ValueError("at least two are needed")
    return names


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"`{pattern}` is no regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_regular)]
"""a regular expression of Python, looked for anywhere in the path of a file below the source, with slashes"""
Layout = Literal["image", "sequence", "vector", "waveform"]

LABEL = "label"
"""the column of the target, where the form of the file has one; what it means, the kind of task knows"""


class ReaderSection(Section):
    """What is known of a reader's samples before there are any."""

    layout: ClassVar[Layout]
    sized: ClassVar[bool] = False
    """`nominal_shape` is no guess"""
    task: ClassVar[str | None] = None
    """the only kind of task that its targets are for; None where the recipe says it"""

    @property
    def published(self) -> bool:
        """Says whether the source says which samples are for testing."""
        return False

    @property
    def inseparable(self) -> str | None:
        """The column whose values tell samples that are parts of one thing, such as tiles of a picture; None for none.

        A split that is drawn has to keep them together.
        """
        return None

    @property
    def nominal_shape(self) -> tuple[int, ...]:
        """The shape of a sample, or a likely one where only the data tells; for counting parameters."""
        raise NotImplementedError

    @property
    def columns_kept(self) -> tuple[str, ...]:
        """What is stored of each sample beside its label: further labels first, then what results are looked at by."""
        return ()

    @property
    def declared(self) -> dict[str, dict[str, Any]]:
        """What the section says of each column of the target before a sample is read."""
        return {LABEL: {}}
