import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from params.training import Augment
from tasks.contracts.records import InputSpec, Statistics
from tasks.contracts.targets import Targets
from tasks.core.errors import RecipeError
from tasks.kinds.contract import TargetsPart, part
from tasks.training.arrays import Arrays
from tasks.training.augment import CHANGES, Augmenter, Draws, split_mix

FLIP = {"kind": "flip", "horizontal": True, "vertical": True}
DIHEDRAL = {"kind": "dihedral"}
EDGE = {"kind": "shift", "pixels": 2}
MEAN = {"kind": "shift", "pixels": 2, "fill": "mean"}
CROP = {"kind": "crop", "smallest": 0.6}
LEVELS = {"kind": "levels", "gain": 0.3, "offset": 0.4}
NOISE = {"kind": "noise", "std": 0.2}
MOSAIC = {"kind": "mosaic"}
ERASE = {"kind": "erase", "chance": 0.7, "largest": 0.6}
EVERY = (FLIP, DIHEDRAL, EDGE, MEAN, CROP, LEVELS, NOISE, ERASE)
NORMALISED = Statistics(mean=(100.0, 50.0), std=(60.0, 30.0))

KEYS = [4861768661248683927, 12390716270276045569, 1647224059816934970]
UNIFORM, NORMAL = "7112ff66c66a5bc9", "844f1e0efc26bf08"
PICTURES = {
    ("flip", ""): ("be0158a8082501e4", "eea60edb67932899"),
    ("dihedral", ""): ("9817753264884b62", "0a1a61a97ded1973"),
    ("shift", ""): ("2e836edb7e9e097a", "a2eb564bb5ada03e"),
    ("shift", "mean"): ("3b84c76a478f9dc2", "ea4177e743e2ff53"),
    ("crop", ""): ("f220ddb3dcbbc783", "602b40e611fea401"),
    ("levels", ""): ("f5bd137aa24cbd1f", "be03f5246bb8a49b"),
    ("noise", ""): ("8b08b80448c41673", "7d139f4281f85d34"),
    ("erase", ""): ("740a2bd0f0d59133", "1388725bcfa8e774"),
}
"""digests of the changed bytes and of the changed float32 values"""


def augmenter(
    *steps: dict[str, Any], shape: tuple[int, ...] = (2, 9, 9), seed: int = 3, views: int | None = None
) -> Augmenter:
    layout: Any = {3: "image", 2: "sequence", 1: "vector"}[len(shape)]
    spec = InputSpec(layout=layout, dtype="uint8", shape=shape)
    return Augmenter(Augment.model_validate({"steps": steps, "views": views}), spec, NORMALISED, seed)


def pictures(count: int = 64, shape: tuple[int, ...] = (2, 9, 9), dtype: Any = np.uint8) -> Arrays:
    # The old generator is frozen for good, and what changed pictures are is compared to the bit below.
    inputs = np.random.RandomState(1).randint(0, 256, (count, *shape)).astype(dtype)
    return labelled({"inputs": inputs}, np.arange(count) % 3, np.arange(count) + 7)


def labelled(inputs: Mapping[str, NDArray[Any]], labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Arrays:
    return Arrays(inputs, Targets({"label": labels}), rows, np.ones(len(rows), bool))


def sequences(count: int = 50, dtype: Any = np.float32) -> Arrays:
    generator = np.random.default_rng(2)
    inputs, lengths = generator.normal(100, 30, (count, 6, 2)).astype(dtype), generator.integers(1, 7, count)
    inputs[np.arange(6) >= lengths[:, None]] = 0
    return labelled({"inputs": inputs, "lengths": lengths}, np.arange(count) % 3, np.arange(count))


def some(arrays: Arrays, which: NDArray[np.int64]) -> Arrays:
    inputs = {name: values[which] for name, values in arrays.inputs.items()}
    return labelled(inputs, arrays.targets["label"][which], arrays.rows[which])


def digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_the_hash_is_splitmix64_as_others_publish_it() -> None:
    # The first numbers of the stream that begins at 1234567, as Rosetta Code lists them.
    got = split_mix(np.array([1234567], dtype=np.uint64), np.arange(5, dtype=np.uint64))
    assert got.tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_draws_stay_what_they_are_through_every_update_of_a_library() -> None:
    draws = Draws.of(3, 1, 2, np.array([0, 5, 70_000]))
    assert draws.keys.tolist() == KEYS
    assert digest(draws.uniform(4)) == UNIFORM
    assert digest(draws.normal(70)) == NORMAL


@pytest.mark.parametrize("step", EVERY, ids=lambda step: f"{step['kind']}-{step.get('fill', '')}")
def test_changed_pictures_stay_what_they_are_to_the_bit(step: dict[str, Any]) -> None:
    changed = [augmenter(step).apply(pictures(dtype=dtype), 1).inputs["inputs"] for dtype in (np.uint8, np.float32)]
    assert tuple(digest(inputs) for inputs in changed) == PICTURES[step["kind"], step.get("fill", "")]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("steps", [*((step,) for step in EVERY), EVERY])
def test_a_sample_changes_alike_in_any_company_and_order(steps: Sequence[dict[str, Any]], dtype: Any) -> None:
    whole, change = pictures(dtype=dtype), augmenter(*steps)
    which = np.array([60, 3, 3, 17, 0])
    for view in (0, 5):
        together = change.apply(whole, view).inputs["inputs"]
        np.testing.assert_array_equal(change.apply(some(whole, which), view).inputs["inputs"], together[which])
        np.testing.assert_array_equal(change.apply(whole, view).inputs["inputs"], together)


@pytest.mark.parametrize("step", EVERY)
def test_seed_view_row_and_place_of_a_step_each_give_another_change(step: dict[str, Any]) -> None:
    whole = pictures()
    before = augmenter(step).apply(whole, 0).inputs["inputs"]
    one_row_on = replace(whole, rows=whole.rows + 1)
    others = [
        augmenter(step, seed=4).apply(whole, 0),
        augmenter(step).apply(whole, 1),
        augmenter(step).apply(one_row_on, 0),
        augmenter({"kind": "levels", "gain": 0.0, "offset": 0.0}, step).apply(whole, 0),
    ]
    for other in others:
        assert (other.inputs["inputs"] != before).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("step", EVERY)
def test_only_inputs_change_and_never_in_place(step: dict[str, Any], dtype: Any) -> None:
    given = pictures(dtype=dtype)
    copy = given.inputs["inputs"].copy()
    changed = augmenter(step).apply(given, 0)
    np.testing.assert_array_equal(given.inputs["inputs"], copy)
    assert not np.shares_memory(changed.inputs["inputs"], given.inputs["inputs"])
    assert (changed.inputs["inputs"] != given.inputs["inputs"]).any()
    after, before = (arrays.inputs["inputs"] for arrays in (changed, given))
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    assert changed.inputs["inputs"].flags.c_contiguous
    for name in ("targets", "rows"):
        assert getattr(changed, name) is getattr(given, name)


def test_a_step_that_happens_to_do_nothing_still_returns_new_memory() -> None:
    given = pictures()
    nothing = {"kind": "flip", "horizontal": False, "vertical": False}
    changed = augmenter(nothing).apply(given, 0)
    np.testing.assert_array_equal(changed.inputs["inputs"], given.inputs["inputs"])
    assert not np.shares_memory(changed.inputs["inputs"], given.inputs["inputs"])


def test_epochs_go_round_the_views() -> None:
    assert [augmenter(FLIP, views=3).view(epoch) for epoch in range(1, 8)] == [0, 1, 2, 0, 1, 2, 0]
    assert [augmenter(FLIP).view(epoch) for epoch in (1, 2, 1000)] == [0, 1, 999]


def test_the_key_is_json_and_differs_by_seed_and_steps_but_not_by_how_many_views_there_are() -> None:
    keys = [
        json.dumps(change.key, sort_keys=True)
        for change in (
            augmenter(FLIP, views=2),
            augmenter(FLIP, views=9),
            augmenter(FLIP, seed=4),
            augmenter(FLIP, EDGE),
            augmenter(EDGE, FLIP),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


def test_flips_mirror_half_of_the_pictures_each_way() -> None:
    given = pictures(4000)
    changed = augmenter(FLIP).apply(given, 0).inputs["inputs"]
    ways = [given.inputs["inputs"][..., ::rows, ::columns] for rows in (1, -1) for columns in (1, -1)]
    counts = np.array([(changed == way).all(axis=(1, 2, 3)).sum() for way in ways])
    assert counts.sum() == 4000
    assert (abs(counts - 1000) < 150).all()


def test_each_symmetry_of_the_square_is_equally_likely() -> None:
    given = pictures(8000, (1, 3, 3))
    changed = augmenter(DIHEDRAL, shape=(1, 3, 3)).apply(given, 0).inputs["inputs"]
    turned = [np.rot90(given.inputs["inputs"], quarter, axes=(2, 3)) for quarter in range(4)]
    ways = [*turned, *(way.swapaxes(2, 3) for way in turned)]
    counts = np.array([(changed == way).all(axis=(1, 2, 3)).sum() for way in ways])
    assert 8000 <= counts.sum() < 8100  # a few pictures of noise are symmetric
    assert (abs(counts - 1000) < 150).all()


@pytest.mark.parametrize("step", [EDGE, MEAN])
def test_a_shift_moves_every_way_and_fills_what_comes_in(step: dict[str, Any]) -> None:
    given, change = pictures(500), augmenter(step)
    changed = change.apply(given, 0).inputs["inputs"]
    moves = set()
    for before, after in zip(given.inputs["inputs"], changed, strict=True):
        wide = _wide(before, step)
        found = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if (wide[:, down : down + 9, right : right + 9] == after).all()
        ]
        assert len(found) == 1
        moves.update(found)
    assert len(moves) == 25


def _wide(picture: NDArray[Any], step: dict[str, Any]) -> NDArray[Any]:
    if step is EDGE:
        return np.pad(picture, ((0, 0), (2, 2), (2, 2)), mode="edge")
    return np.stack([np.pad(picture[c], 2, constant_values=int(NORMALISED.mean[c])) for c in range(2)])


@pytest.mark.parametrize("shape", [(2, 9, 9), (1, 6, 11)])
def test_a_crop_is_a_bilinear_resize_of_its_window(shape: tuple[int, ...]) -> None:
    given = pictures(32, shape, np.float32)
    changed = augmenter(CROP, shape=shape).apply(given, 2).inputs["inputs"]
    scale, down, right = Draws.of(3, 2, 0, given.rows).uniform(3).T
    scale = 0.6 + 0.4 * scale
    affine = np.zeros((32, 2, 3))
    for axis, place in enumerate((right, down)):
        affine[:, axis, axis] = scale
        affine[:, axis, 2] = (1 - scale) * (2 * place - 1)
    grid = functional.affine_grid(torch.from_numpy(affine), [32, *shape], align_corners=False)
    expected = functional.grid_sample(
        torch.from_numpy(given.inputs["inputs"]).double(), grid, padding_mode="border", align_corners=False
    )
    np.testing.assert_allclose(changed, expected.numpy(), atol=1e-3)


def test_levels_stretch_around_the_mean_and_move_all_channels_together() -> None:
    given = pictures(200, dtype=np.float32)
    changed = augmenter(LEVELS).apply(given, 0).inputs["inputs"]
    mean, std = (np.array(values).reshape(2, 1, 1) for values in (NORMALISED.mean, NORMALISED.std))
    fits = [
        np.polyfit(((b - mean) / std).ravel(), ((a - mean) / std).ravel(), 1)
        for b, a in zip(given.inputs["inputs"], changed, strict=True)
    ]
    gains, offsets = np.array(fits).T
    assert gains.min() >= 0.7 - 1e-4
    assert gains.max() <= 1.3 + 1e-4
    assert abs(offsets).max() <= 0.4 + 1e-4
    assert gains.std() == pytest.approx(0.3 / np.sqrt(3), rel=0.2)
    assert offsets.std() == pytest.approx(0.4 / np.sqrt(3), rel=0.2)


def test_noise_is_normal_with_the_std_that_was_asked_for_and_new_at_every_value() -> None:
    given = pictures(2000, dtype=np.float32)
    noise = augmenter(NOISE).apply(given, 0).inputs["inputs"] - given.inputs["inputs"]
    noise /= 0.2 * np.array(NORMALISED.std).reshape(2, 1, 1)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert (noise**4).mean() == pytest.approx(3, abs=0.1)
    assert (abs(noise) < 1.96).mean() == pytest.approx(0.95, abs=0.005)
    flat = noise.reshape(2000, -1)
    assert abs(np.corrcoef(flat.T) - np.eye(flat.shape[1])).max() < 0.15
    assert abs(np.corrcoef(flat[:200]) - np.eye(200)).max() < 0.5


def test_erase_fills_one_rectangle_of_all_channels_with_the_mean_as_often_and_as_large_as_asked() -> None:
    given = pictures(2000, (2, 10, 20), np.float32)
    given.inputs["inputs"][:] += 0.5  # never the mean
    changed = augmenter(ERASE, shape=(2, 10, 20)).apply(given, 0).inputs["inputs"]
    gone = (changed != given.inputs["inputs"]).any(axis=1)
    heights, widths = gone.any(axis=2).sum(axis=1), gone.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(gone.sum(axis=(1, 2)), heights * widths)
    assert (heights.max(), widths.max()) == (6, 12)
    filled = np.broadcast_to(np.array(NORMALISED.mean).reshape(2, 1, 1), changed.shape[1:])
    for before, after, where in zip(given.inputs["inputs"], changed, gone, strict=True):
        np.testing.assert_array_equal(after, np.where(where, filled, before))
    # A height or width that rounds to no pixel erases nothing: one in 12, or one in 24.
    assert gone.any(axis=(1, 2)).mean() == pytest.approx(0.7 * 11 / 12 * 23 / 24, abs=0.04)
    assert gone.mean(axis=0).min() > 0


def test_bytes_are_rounded_and_clipped() -> None:
    given, strong = pictures(), {"kind": "noise", "std": 3.0}
    exact = augmenter(strong).apply(pictures(dtype=np.float32), 0).inputs["inputs"]
    assert exact.min() < 0
    assert exact.max() > 255
    np.testing.assert_array_equal(augmenter(strong).apply(given, 0).inputs["inputs"], exact.round().clip(0, 255))


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_padding_of_sequences_stays_zero_and_frames_change_alike_whatever_follows(dtype: Any) -> None:
    given = sequences(dtype=dtype)
    changed = augmenter(LEVELS, NOISE, shape=(6, 2)).apply(given, 0)
    behind = np.arange(6) >= given.inputs["lengths"][:, None]
    assert not changed.inputs["inputs"][behind].any()
    assert (changed.inputs["inputs"][~behind] != given.inputs["inputs"][~behind]).mean() > 0.9
    assert changed.inputs["inputs"].dtype == dtype
    assert changed.inputs["lengths"] is given.inputs["lengths"]
    which = np.array([40, 2])
    alone = augmenter(LEVELS, NOISE, shape=(6, 2)).apply(some(given, which), 0)
    np.testing.assert_array_equal(alone.inputs["inputs"], changed.inputs["inputs"][which])


def test_vectors_take_levels_and_noise() -> None:
    given = labelled({"inputs": np.ones((20, 2), np.float32)}, np.zeros(20, np.int64), np.arange(20))
    changed = augmenter(LEVELS, NOISE, shape=(2,)).apply(given, 0)
    assert np.isfinite(changed.inputs["inputs"]).all()
    assert len(np.unique(changed.inputs["inputs"])) == 40


def test_every_step_that_does_not_go_with_the_data_is_named_at_once() -> None:
    with pytest.raises(RecipeError) as refused:
        augmenter(FLIP, NOISE, DIHEDRAL, EDGE, MEAN, CROP, LEVELS, shape=(6, 2))
    assert len(refused.value.problems) == 5
    assert "`training.augment.steps.0: flip`: expected image data, got sequence data; take levels or noise" in str(
        refused.value
    )
    with pytest.raises(RecipeError, match="leave the step out"):
        augmenter(CROP, shape=(2,))


def test_pictures_that_are_not_square_or_too_small_are_refused_where_that_matters() -> None:
    with pytest.raises(RecipeError) as refused:
        augmenter(DIHEDRAL, {"kind": "shift", "pixels": 5}, {"kind": "shift", "pixels": 4}, FLIP, CROP, shape=(2, 5, 8))
    first, second = refused.value.problems
    assert "`training.augment.steps.0: dihedral`: expected square pictures, got 5 x 8; take flip" in first
    assert "`training.augment.steps.1: shift`: expected `pixels` below 5" in second


def test_every_step_of_a_recipe_has_its_change() -> None:
    assert {step["kind"] for step in EVERY} == set(CHANGES)


def test_pictures_with_one_target_are_not_shown_together() -> None:
    targets, spec = (
        part("classification", "targets", TargetsPart),
        InputSpec(layout="image", dtype="uint8", shape=(2, 8, 8)),
    )
    steps = Augment.model_validate({"steps": [MOSAIC, FLIP]})
    with pytest.raises(RecipeError) as refused:
        Augmenter(steps, spec, NORMALISED, 0, targets)
    (problem,) = refused.value.problems
    assert "`training.augment.steps.0: mosaic`: expected targets of places in a picture, such as boxes or m" in problem
    assert "got one target for a whole picture; leave the step out" in problem
    with pytest.raises(RecipeError, match="expected image data, got sequence data"):
        augmenter(MOSAIC, shape=(6, 2))


def test_pictures_that_cannot_be_halved_are_not_shown_together() -> None:
    targets, spec = part("detection", "targets", TargetsPart), InputSpec(layout="image", dtype="uint8", shape=(2, 8, 9))
    with pytest.raises(RecipeError, match=r"expected pictures of even height and width, got 8 x 9; change"):
        Augmenter(Augment.model_validate({"steps": [MOSAIC]}), spec, NORMALISED, 0, targets)


@pytest.mark.parametrize("steps", [(FLIP, MOSAIC), (MOSAIC, MOSAIC)])
def test_pictures_are_shown_together_before_anything_else(steps: Sequence[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="`mosaic` takes other pictures as they are: put it first"):
        Augment.model_validate({"steps": steps})
