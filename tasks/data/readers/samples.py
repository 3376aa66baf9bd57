"""What a reader hands out: samples one by one, in the same order each time, and what is known about all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Part = Literal["train", "test"]
NOTHING: Values = np.empty(0, dtype=np.uint8)


@dataclass(frozen=True)
class Sample:
    """One sample; `id` says to a person where it stands in the source, and sorts like the source.

    `values` is (channels, height, width) uint8, (frames, features) float32 or (features,) float32. `problem` says why
    there are none, so that all unreadable samples can be told at once.
    """

    id: str
    label: str
    values: Values = field(default_factory=lambda: NOTHING)
    part: Part | None = None
    """of a split that its authors published"""
    problem: str = ""
    heads: tuple[str, ...] = ()
    """further labels, in the order of `Reading.heads`"""
    slices: tuple[str, ...] = ()
    """what results are looked at by, in the order of `Reading.slices`"""


@dataclass(frozen=True)
class Reading:
    """A source opened by a reader; `samples()` may be called again and reads one sample at a time."""

    layout: Literal["image", "sequence", "vector"]
    samples: Callable[[], Iterator[Sample]]
    classes: tuple[str, ...] = ()
    """that the source announces, in the order of their numbers; empty where only the samples tell"""
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """further label -> its classes likewise"""
    slices: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """reason -> samples that the reader left out"""
    refusal: str = ""
    """what to tell of samples with a `problem` where none may be left out: the reader knows better words than a list"""
