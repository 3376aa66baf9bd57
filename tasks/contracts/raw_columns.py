"""The columns of the table behind prepared samples: what stays of them from week to week, and what may come.

A category is one feature. So a category that is new, or gone, changes how many features there are, though the table has
the columns that it had; likewise the first gap, where a feature marks gaps. The features of two weeks are brought
together by their names.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts.records import DataRecord, DatasetCard
from tasks.runtime.preprocess.cells import CATEGORY, TableColumn

TABLE = "table"
"""the `KIND` of `tasks.runtime.preprocess.table`, which brings ONNX Runtime along"""
Preprocessing = Mapping[str, Any]
"""of a `DatasetCard` or a `DataRecord`"""
Prepared = DataRecord | DatasetCard
Selection = NDArray[np.float32]
"""(features of one week, features of another), of zeros and ones"""


def column_types(preprocessing: Preprocessing) -> dict[str, str]:
    """Returns column -> type, of the columns that are learned from; nothing where samples are no rows of a table."""
    return {column.name: column.type for column in _columns(preprocessing)}


def same_inputs(one: Prepared, other: Prepared) -> bool:
    """Says whether a model of the one data can be asked about the other, perhaps by way of a `selection`."""
    types, others = (column_types(data.preprocessing) for data in (one, other))
    return types == others and (bool(types) or one.input == other.input)


def new_categories(then: Preprocessing, now: Preprocessing) -> dict[str, tuple[str, ...]]:
    """Returns column -> its categories of now that it had not then."""
    known = {column.name: {*column.categories} for column in _columns(then) if column.type == CATEGORY}
    of_now = {column.name: column.categories for column in _columns(now) if column.name in known}
    found = {name: tuple(one for one in some if one not in known[name]) for name, some in of_now.items()}
    return {name: categories for name, categories in found.items() if categories}


def place_of(preprocessing: Preprocessing, column: str, category: str) -> int:
    """Returns which of the features of rows of a table stands for a category of a column."""
    return _features(preprocessing).index((column, f"{column}={category}"))


def selection(given: Prepared, wanted: Prepared) -> Selection | None:
    """Returns what makes samples of the one data, multiplied by it, samples of the other; None where both are alike.

    A feature that the given samples lack is 0: so a device feeds a model whose category a row has not.

    Args:
        given: the data that the samples are of.
        wanted: the data whose features they should have; see `same_inputs`.
    """
    names, asked = _features(given.preprocessing), _features(wanted.preprocessing)
    if names == asked:
        return None
    places = {name: place for place, name in enumerate(names)}
    matrix = np.zeros((len(names), len(asked)), np.float32)
    for column, name in enumerate(asked):
        if name in places:
            matrix[places[name], column] = 1
    return matrix


def _features(preprocessing: Preprocessing) -> list[tuple[str, str]]:
    """Returns column and name of each feature: `a=b` may be a column, or a category of `a`."""
    return [(column.name, name) for column in _columns(preprocessing) for name in column.feature_names]


def _columns(preprocessing: Preprocessing) -> tuple[TableColumn, ...]:
    listed = preprocessing["columns"] if preprocessing.get("kind") == TABLE else ()
    return tuple(_column(facts) for facts in listed)


def _column(facts: Mapping[str, Any]) -> TableColumn:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return TableColumn(**fields)
