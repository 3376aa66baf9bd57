"""What a teacher is worth over several releases: means of each resampled data set, and its interval."""

import numpy as np

from benchmarks.releases import _mean, _row
from tasks.evaluate.intervals import Resampled

DRAWS = 2_000


def resampled(value: float, noise: np.ndarray) -> Resampled:
    return Resampled({"accuracy": value}, {"accuracy": value + noise})


def test_what_all_releases_share_in_a_resampled_data_set_is_no_difference_between_them() -> None:
    """An easy data set is easy for both: only what differs between the two widens the interval of the gain."""
    drawn = np.random.default_rng(0)
    shared = drawn.normal(0, 0.05, DRAWS)
    alone = _mean([resampled(value, shared + drawn.normal(0, 0.001, DRAWS)) for value in (0.6, 0.7)])
    student = _mean([resampled(value, shared + drawn.normal(0, 0.001, DRAWS)) for value in (0.7, 0.8)])
    assert alone.values == {"accuracy": np.mean([0.6, 0.7])}
    title, metric, one, other, gain = (
        cell.strip() for cell in _row("mean", "accuracy", alone, student)[1:-2].split("|")
    )
    assert (title, metric) == ("mean", "accuracy")
    assert one.startswith("65.0 (5")
    assert other.startswith("75.0 (6")
    assert gain.startswith("+10.0 (+9.")
    assert gain.endswith("to +10.2)")


def test_a_mean_over_releases_is_taken_in_each_resampled_data_set_by_itself() -> None:
    up = np.linspace(-0.1, 0.1, 101)
    assert np.allclose(_mean([resampled(0.5, up), resampled(0.5, -up)]).drawn["accuracy"], 0.5)


def test_a_data_set_in_which_a_metric_has_no_value_does_not_count() -> None:
    some = np.where(np.arange(DRAWS) % 2, np.nan, 0.0)
    assert "| 50.0 (50.0 to 50.0) |" in _row("1", "accuracy", resampled(0.5, some), resampled(0.6, some))
