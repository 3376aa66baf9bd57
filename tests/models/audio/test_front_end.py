"""The front end against librosa's formulas, which are written down here in numpy and scipy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import get_window

from params.audio.networks import LogMel, Mfcc
from params.models import Audio, Cnn, Recurrent
from params.pipeline import Recipe
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError
from tasks.models.audio.front_end import Spectrum, frames_of
from tasks.models.build import build_model
from tasks.models.export import difference_of, export_onnx
from tasks.runtime.bundle.session import Session
from tests.models.conftest import data_spec

Doubles = NDArray[np.float64]
CLIP = InputSpec(layout="waveform", dtype="float32", shape=(4_000,))
KINDS: dict[str, LogMel | Mfcc] = {
    "8 kHz": LogMel(kind="log_mel", sample_rate=8_000, mels=32),
    "16 kHz, slaney": LogMel(kind="log_mel", scale="slaney", low_hz=0.0, window_ms=25.0),
    "44.1 kHz, narrow": LogMel(kind="log_mel", sample_rate=44_100, low_hz=300.0, high_hz=8_000.0, hop_ms=7.3),
    "a window of a power of two": LogMel(kind="log_mel", sample_rate=8_000, mels=20, window_ms=32.0, hop_ms=16.0),
    "mfcc": Mfcc(kind="mfcc", sample_rate=8_000, mels=32, coefficients=13),
}


def mel_frequencies(low: float, high: float, count: int, htk: bool) -> Doubles:
    """`librosa.mel_frequencies`."""
    if htk:
        ends = [2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (low, high)]
        return np.asarray(700.0 * (10.0 ** (np.linspace(ends[0], ends[1], count) / 2595.0) - 1.0))
    step, start, log_step = 200.0 / 3, 1000.0 / (200.0 / 3), np.log(6.4) / 27.0
    ends = [hz / step if hz < 1000.0 else start + np.log(hz / 1000.0) / log_step for hz in (low, high)]
    mels = np.linspace(ends[0], ends[1], count)
    return np.array([step * mel if mel < start else 1000.0 * np.exp(log_step * (mel - start)) for mel in mels])


def mel_filters(params: LogMel) -> Doubles:
    """`librosa.filters.mel`, with `norm="slaney"` on Slaney's scale and none on HTK's."""
    corners = mel_frequencies(params.low_hz, params.highest, params.mels + 2, params.scale == "htk")
    ramps = corners[:, None] - np.fft.rfftfreq(params.fft, 1 / params.sample_rate)
    widths = np.diff(corners)
    weights = [
        np.maximum(0, np.minimum(-ramps[i] / widths[i], ramps[i + 2] / widths[i + 1])) for i in range(params.mels)
    ]
    filters = np.array(weights)
    if params.scale == "slaney":
        filters *= (2.0 / (corners[2:] - corners[:-2]))[:, None]
    return filters


def librosa_features(samples: NDArray[Any], params: LogMel | Mfcc) -> Doubles:
    """`log(max(melspectrogram(center=False), floor))`, and `mfcc(S=...)` of it."""
    window = get_window("hann", params.window, fftbins=True)
    left = (params.fft - params.window) // 2
    window = np.pad(window, (left, params.fft - params.window - left))
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), params.fft)[:: params.hop]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    spectrum = np.log(np.maximum(mel_filters(params) @ power.T, params.floor))
    if isinstance(params, Mfcc):
        return np.asarray(dct(spectrum, axis=0, type=2, norm="ortho")[: params.coefficients])
    return np.asarray(spectrum)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_those_of_librosa(kind: str) -> None:
    params = KINDS[kind]
    samples = np.random.default_rng(0).standard_normal((8, params.sample_rate // 2)).astype(np.float32)
    with torch.no_grad():
        got = Spectrum(params)(torch.from_numpy(samples)).numpy()
    expected = np.stack([librosa_features(clip, params) for clip in samples])
    assert got.shape == expected.shape == (8, params.features, frames_of(params, samples.shape[1]))
    assert np.abs(got - expected).max() < 1e-4


@pytest.mark.slow
def test_the_file_computes_what_torch_and_librosa_compute_on_a_thousand_clips(tmp_path: Path) -> None:
    params = KINDS["8 kHz"]
    model = build_model(
        Audio(kind="audio", front_end=params, network=Cnn(kind="cnn", channels=(8, 16))), data_spec(CLIP)
    )
    export_onnx(model, tmp_path / "model.onnx")
    session, random = Session((tmp_path / "model.onnx").read_bytes()), np.random.default_rng(0)
    spectrum = Spectrum(params)
    for _ in range(10):
        clips = random.standard_normal((100, 4_000)).astype(np.float32) * random.uniform(0.01, 1, (100, 1)).astype("f4")
        assert difference_of(model.eval(), session, {"inputs": clips}) < 1e-4
        got = spectrum(torch.from_numpy(clips)).numpy()
        assert np.abs(got - np.stack([librosa_features(clip, params) for clip in clips])).max() < 1e-4


def test_silence_has_features() -> None:
    assert torch.isfinite(Spectrum(KINDS["8 kHz"])(torch.zeros(1, 4_000))).all()


def test_the_front_end_is_no_weight_of_the_network() -> None:
    model = build_model(
        Audio(kind="audio", front_end=KINDS["8 kHz"], network=Recurrent(kind="gru", hidden=4)), data_spec(CLIP)
    )
    assert not [name for name in model.state_dict() if "spectrum" in name]


@pytest.mark.parametrize(
    ("front_end", "said"),
    [
        ({"mels": 200}, "expected bands with a frequency bin, got .* without one"),
        ({"window_ms": 600.0}, "expected clips of at least 8192 samples"),
    ],
)
def test_a_front_end_that_cannot_be_is_refused_by_name(front_end: dict[str, Any], said: str) -> None:
    params = LogMel.model_validate({"kind": "log_mel", "sample_rate": 8_000, **front_end})
    with pytest.raises(RecipeError, match=said):
        build_model(Audio(kind="audio", front_end=params, network=Cnn(kind="cnn", channels=(4,))), data_spec(CLIP))


def test_a_front_end_of_another_rate_than_the_reader_is_refused() -> None:
    network = {"kind": "audio", "front_end": {"kind": "log_mel"}, "network": {"kind": "cnn", "channels": [4]}}
    part = {"architecture": network, "training": {"epochs": 1}}
    data = {
        "source": {"kind": "folder", "path": "words"},
        "reader": {"kind": "audio_folder", "sample_rate": 8_000},
        "split": {"kind": "stratified"},
    }
    with pytest.raises(ValueError, match=r"`student.architecture.front_end.sample_rate` 16000 is not .* 8000"):
        Recipe.model_validate({"name": "words", "data": data, "teacher": part, "student": part})
