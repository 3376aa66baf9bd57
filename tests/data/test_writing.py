"""Synthetic pictures of writing, and what their masks show."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import label

from params.pictures.writing import WritingSource
from tasks.data.readers.raw import members
from tasks.data.sources.writing import drawn, fetch

SOURCE = WritingSource(kind="writing", pictures=8, side=96, seed=3)


def test_equal_seeds_draw_equal_pixels_and_others_do_not() -> None:
    first, again = (drawn(SOURCE, 1) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], drawn(SOURCE, 2)[0])
    assert not np.array_equal(first[0], drawn(SOURCE.model_copy(update={"seed": 4}), 1)[0])


def test_there_is_a_mask_of_two_values_beside_each_picture(tmp_path: Path) -> None:
    fetch(SOURCE, tmp_path, tmp_path)
    (tar,) = tmp_path.glob("*.tar")
    found = {
        member.name: np.asarray(Image.open(io.BytesIO(stream.read()))) for member, stream in members(tar) if stream
    }
    assert sorted(found) == sorted(f"{folder}/{n:05d}.png" for folder in ("images", "masks") for n in range(8))
    assert all(found[name].shape == (96, 96, 3) for name in found if name.startswith("images"))
    assert {*np.unique([found[name] for name in found if name.startswith("masks")])} == {0, 1}


def test_lines_stay_apart_and_some_pictures_have_none() -> None:
    masks = [drawn(SOURCE, number)[1] for number in range(40)]
    lines = [label(mask)[1] for mask in masks]
    assert min(lines) == 0
    assert 2 < max(lines) <= SOURCE.most
    assert 0.01 < np.mean(masks) < 0.2


def test_under_a_mask_there_is_ink_and_beside_it_is_none() -> None:
    """Under the middle of a line, neighbouring pixels differ far more than elsewhere: there are letters."""
    inside, outside = [], []
    for number in range(30):
        picture, mask = drawn(SOURCE, number)
        steps = np.abs(np.diff(picture.astype(float).mean(axis=2), axis=1))
        inside.append(steps[mask[:, 1:] > 0])
        outside.append(steps[mask[:, 1:] == 0])
    assert np.concatenate(inside).mean() > 2 * np.concatenate(outside).mean()
