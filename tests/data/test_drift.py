"""Whether data of now differs from that of the last run: on drawn numbers, and on two versions in a real DVC cache."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import ks_2samp

from params.pipeline import Recipe
from params.retrain import DriftLimits
from tasks.core.errors import DataError
from tasks.data.drift import drift_between, features_of
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.versions_store import CACHE, cached


def test_a_shifted_feature_is_found_and_equal_ones_are_not() -> None:
    random = np.random.default_rng(0)
    before, now = random.normal(size=(400, 5)), random.normal(size=(300, 5))
    assert not drift_between(before, now, DriftLimits()).drifted
    now[:, 3] += 0.5
    found = drift_between(before, now, DriftLimits())
    assert (found.drifted, found.feature) == (True, 3)
    alone = ks_2samp(before[:, 3], now[:, 3])
    assert found.distance == pytest.approx(alone.statistic)
    assert found.p_value == pytest.approx(min(5 * alone.pvalue, 1))


def test_what_is_significant_but_small_is_no_drift() -> None:
    random = np.random.default_rng(0)
    before, now = random.normal(size=(20_000, 1)), random.normal(0.08, 1, size=(20_000, 1))
    assert not drift_between(before, now, DriftLimits()).drifted
    assert drift_between(before, now, DriftLimits(distance=0.0)).drifted


def test_brighter_pictures_drift_from_the_version_that_dvc_keeps(
    image_recipe: Recipe, project: Path, images: Path
) -> None:
    first = versioned_data(project, image_recipe)
    for path in images.rglob("*.png"):
        Image.fromarray((np.asarray(Image.open(path)) // 4 + 190).astype(np.uint8)).save(path)
    second = versioned_data(project, image_recipe)
    before = features_of(cached(project / CACHE, first.version), samples=2_000)
    now = features_of(lambda name: Path(second.directory, name), samples=2_000)
    assert before.shape == now.shape == (second.samples["train"], 6)
    assert drift_between(before, now, DriftLimits()).drifted
    assert not drift_between(now, now, DriftLimits()).drifted


def test_a_version_that_is_not_in_the_cache_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"version 0123\.dir is what data of now is measured against"):
        cached(tmp_path, "0123.dir")
