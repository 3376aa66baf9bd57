"""What a reader hands out: samples one by one, in the same order each time, and what is known about all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.readers import LABEL, Layout
from params.section import Part
from tasks.kinds.contract import Declared, Raw
from tasks.runtime.preprocess.preprocessor import ARRAYS

Values = NDArray[Any]
NOTHING: Values = np.empty(0, dtype=np.uint8)


@dataclass(frozen=True)
class Sample:
    """One sample; `id` says to a person where it is in the source, and sorts like the source.

    `values` is (channels, height, width) uint8, (frames, features) float32 or (features,) float32. `problem` says why
    there are none, so that all unreadable samples can be told at once.
    """

    id: str
    target: Raw = field(default_factory=dict)
    values: Values = field(default_factory=lambda: NOTHING)
    part: Part | None = None
    """of a split that its authors published"""
    problem: str = ""
    slices: tuple[str, ...] = ()
    """what results are looked at by, in the order of `Reading.slices`"""


@dataclass(frozen=True)
class Reading:
    """A source opened by a reader; `samples()` may be called again and reads one sample at a time."""

    layout: Layout
    samples: Callable[[], Iterator[Sample]]
    declared: Declared = field(default_factory=lambda: {LABEL: {}})
    """what the source or the recipe says of each column of the target before a sample is read"""
    preprocessing: Mapping[str, Any] = field(default_factory=lambda: ARRAYS)
    """how a device makes the values of a sample from a raw one; see `tasks.runtime.preprocess`"""
    fit: "Callable[[NDArray[np.bool_]], Reading] | None" = None
    """takes which of the samples, in the order of `samples`, are trained on, and returns the reading whose values are
    complete: what fills gaps is learned from those alone. None where nothing is to be learned; then NaN is bad"""
    slices: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """reason -> samples, or parts of their targets, that the reader left out"""
    warnings: tuple[str, ...] = ()
    """what a person should know of samples that are used all the same"""
    refusal: str = ""
    """what to tell of samples with a `problem` where none may be left out: the reader knows better words than a list"""
