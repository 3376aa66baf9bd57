"""Targets of classification, as data reads, encodes and compares them."""

import numpy as np
import pytest

from tasks.contracts.targets import BadTargetError, TargetCard, Targets
from tasks.kinds.classification.targets import PART, in_order
from tasks.kinds.contract import Declared, TargetsPart

KIND: TargetsPart = PART
CELLS: Declared = {"label": {"column": "damage", "above": 0.5, "names": ("intact", "broken")}, "cell": {}}
"""a table of cells: how likely one is broken, and of which kind it is"""


def test_classes_that_are_numbers_are_sorted_as_numbers() -> None:
    assert in_order(["10", "9", "-1"]) == ("-1", "9", "10")
    assert in_order(["10", "9", "b", "nan"]) == ("10", "9", "b", "nan")


def test_whole_numbers_of_a_float_column_are_the_classes_of_whole_numbers() -> None:
    assert KIND.gist({"label": 3.0}, {"label": {}}) == KIND.gist({"label": "3"}, {"label": {}})
    assert KIND.gist({"label": 3.5}, {"label": {}}) == ("3.5",)


def test_a_number_above_the_bound_is_of_the_second_class() -> None:
    raw = {"label": "0.7", "cell": "mono"}
    assert KIND.gist(raw, CELLS) == ("broken", "mono")
    card = KIND.card([("broken", "mono"), ("intact", "poly")], CELLS)
    assert card == TargetCard(names=("intact", "broken"), facts={"heads": {"cell": ["mono", "poly"]}})
    assert {name: int(value) for name, value in KIND.encode(raw, CELLS, card).items()} == {"label": 1, "cell": 0}
    assert [column.name for column in KIND.columns(card)] == ["label", "cell"]
    with pytest.raises(BadTargetError, match="expected a number in column `damage`, got `low`"):
        KIND.gist({"label": "low", "cell": "mono"}, CELLS)
    with pytest.raises(BadTargetError, match="expected a value in column `cell`, got none"):
        KIND.gist({"label": "0.7", "cell": ""}, CELLS)


def test_a_label_that_is_none_of_the_declared_ones_is_unknown() -> None:
    for facts in ({"names": ("b", "a")}, {"values": ("b", "a")}):
        with pytest.raises(BadTargetError, match=r"expected a label among ., ., got `c`") as told:
            KIND.gist({"label": "c"}, {"label": facts})
        assert told.value.reason == "unknown label"
    with pytest.raises(BadTargetError, match="among b, a, got `number 2`"):
        KIND.gist({"label": 2}, {"label": {"names": ("b", "a"), "numbered": True}})


def test_names_are_in_the_order_they_are_declared_in_and_values_are_sorted() -> None:
    assert KIND.card([("a",)], {"label": {"names": ("b", "a")}}).names == ("b", "a")
    assert KIND.card([("a",)], {"label": {"values": ("b", "a")}}).names == ("a", "b")
    assert KIND.card([("10",), ("9",)], {"label": {}}).names == ("9", "10")


def test_each_class_is_a_stratum_also_one_without_samples() -> None:
    strata = KIND.strata([("b",), ("a",), ("b",)], TargetCard(names=("a", "b", "c")))
    assert (strata.names, strata.of.tolist()) == (("a", "b", "c"), [1, 0, 1])


def test_the_summary_counts_the_samples_of_each_class_over_all_shards() -> None:
    card = TargetCard(names=("a", "b"), facts={"heads": {"cell": ["mono", "poly", "thin"]}})
    parts = [
        Targets({"label": np.array(labels), "cell": np.array(cells)})
        for labels, cells in (([0, 1], [2, 2]), ([1], [0]))
    ]
    assert KIND.summary(parts, card) == {"label": {"a": 1, "b": 2}, "cell": {"mono": 1, "poly": 0, "thin": 2}}


def test_labels_of_another_card_are_ours_by_name_and_new_classes_come_behind_the_last() -> None:
    ours = TargetCard(names=("cat", "dog"), facts={"heads": {"age": ["old", "young"]}})
    theirs = TargetCard(names=("bat", "cat", "dog"))
    targets = KIND.translated(Targets({"label": np.array([0, 1, 2, 0])}), theirs, ours)
    assert targets["label"].tolist() == [2, 0, 1, 2]
    assert targets["age"].tolist() == [-1] * 4
