"""Changes to clips of sound: what each does, and that stored soft labels can count on it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from params.training import Augment
from tasks.contracts.records import InputSpec, Statistics
from tasks.core.errors import RecipeError
from tasks.training.augment import Augmenter
from tasks.training.sound.steps import SOUND
from tests.training.test_augment import labelled

Clips = NDArray[np.float32]
CLIPS: Clips = np.random.default_rng(0).standard_normal((40, 1_000)).astype(np.float32)
ROWS = np.arange(40)
STEPS: tuple[dict[str, Any], ...] = (
    {"kind": "time_shift", "largest": 0.1},
    {"kind": "gain", "lowest": 0.5, "highest": 2.0},
    {"kind": "background", "loudest": 0.5},
    {"kind": "time_mask", "largest": 0.3},
    {"kind": "band_mask", "largest": 0.3},
    {"kind": "speed", "largest": 0.2},
)


def changed(*steps: dict[str, Any], clips: Clips = CLIPS, rows: NDArray[np.int64] = ROWS, view: int = 0) -> Clips:
    spec = InputSpec(layout="waveform", dtype="float32", shape=(clips.shape[1],))
    params = Augment.model_validate({"steps": list(steps)})
    augmenter = Augmenter(params, spec, Statistics(mean=(0.0,), std=(2.0,)), seed=3)
    given = labelled({"inputs": clips}, np.zeros(len(rows), np.int64), rows)
    found: Clips = augmenter.apply(given, view).inputs["inputs"]
    return found


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["kind"])
def test_a_clip_changes_as_its_row_and_view_say_whatever_else_is_in_the_batch(step: dict[str, Any]) -> None:
    found = changed(step)
    assert found.dtype == np.float32
    assert not np.array_equal(found, CLIPS)
    assert np.array_equal(found, changed(step))
    assert not np.array_equal(found, changed(step, view=1))
    some = np.array([31, 7])
    assert np.array_equal(changed(step, clips=CLIPS[some], rows=some), found[some])


def test_every_step_has_its_change() -> None:
    assert {step["kind"] for step in STEPS} == set(SOUND)


def test_a_shift_moves_all_samples_by_the_same_and_lets_silence_in() -> None:
    for before, after in zip(CLIPS, changed(STEPS[0]), strict=True):
        by = max(range(-100, 101), key=lambda n: float(np.dot(np.roll(before, n), after)))
        rolled = np.roll(before, by)
        rolled[: max(by, 0)] = 0
        rolled[len(rolled) + min(by, 0) :] = 0
        assert np.array_equal(after, rolled)


def test_gain_is_one_factor_per_clip_within_its_limits() -> None:
    factors = changed(STEPS[1]) / CLIPS
    assert np.ptp(factors, axis=1).max() < 1e-5
    assert factors.min() >= 0.5 - 1e-6
    assert factors.max() <= 2 + 1e-6
    assert np.ptp(factors[:, 0]) > 1


def test_background_is_at_most_as_loud_as_the_recipe_says_and_sometimes_absent() -> None:
    loudness = (changed(STEPS[2]) - CLIPS).std(axis=1)
    assert loudness.max() < 0.5 * 2.0 * 1.5
    assert 0 < (loudness == 0).sum() < 20


def test_a_time_mask_is_one_silent_stretch() -> None:
    silent = changed(STEPS[3]) == 0
    assert 0 < silent.sum(axis=1).max() <= 300
    assert (np.diff(silent.astype(int), axis=1) == 1).sum(axis=1).max() <= 1


def test_a_band_mask_takes_one_band_of_frequencies_and_leaves_the_others() -> None:
    before, after = (np.abs(np.fft.rfft(clips.astype(np.float64))) for clips in (CLIPS, changed(STEPS[4])))
    gone = after < 1e-3 * before
    assert 0 < gone.sum(axis=1).max() <= 0.3 * before.shape[1] + 1
    assert np.allclose(after[~gone], before[~gone], rtol=1e-3, atol=1e-3)


def test_speed_moves_a_tone_up_or_down_within_its_limit_and_its_middle_stays() -> None:
    tones = np.tile(np.sin(2 * np.pi * 0.05 * (np.arange(1_001) - 500)), (40, 1)).astype(np.float32)
    tones[:, :300] = tones[:, 701:] = 0
    found = changed(STEPS[5], clips=tones)
    peaks = np.abs(np.fft.rfft(found.astype(np.float64), n=20_000)).argmax(axis=1) / 20_000
    assert peaks.min() >= 0.05 * 0.8 - 0.001
    assert peaks.max() <= 0.05 * 1.2 + 0.001
    assert np.ptp(peaks) > 0.01
    assert np.abs(found[:, 500]).max() < 1e-4
    lengths = (np.abs(found) > 1e-3).sum(axis=1)
    assert lengths.min() < 390 < 410 < lengths.max(), "what is faster is shorter"


def test_steps_of_sound_and_of_pictures_are_not_mixed_up() -> None:
    with pytest.raises(RecipeError, match=r"`training.augment.steps.0: flip`: expected image data, got waveform data"):
        changed({"kind": "flip"})
    spec = InputSpec(layout="vector", dtype="float32", shape=(4,))
    with pytest.raises(RecipeError, match=r"`training.augment.steps.0: gain`: expected clips of sound, got vector"):
        Augmenter(Augment.model_validate({"steps": [STEPS[1]]}), spec, Statistics(mean=(0.0,) * 4, std=(1.0,) * 4), 0)
