from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.records import InputSpec
from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.runtime.listen.rules import ListenRules
from tasks.runtime.preprocess.audio.clip import ClipFormat
from tests.runtime.conftest import FACTS, mean_model

RATE = 8_000
CLIPS = ClipFormat(RATE, 4_000, 800, "refuse", "resample")
RULES = ListenRules(hop=800, smooth=2, threshold=0.6, refractory=8_000, silent=("silence",))
ALWAYS = replace(RULES, threshold=0.01, silent=())


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Of a model that answers by the mean of a clip; what it says of words means nothing."""
    spec = InputSpec(layout="waveform", dtype="float32", shape=(4_000,))
    model = mean_model(spec)
    golden = golden_of(Session(model), {"inputs": np.ones((2, 4_000), np.float32)})
    facts = replace(FACTS, preprocessing=CLIPS.facts(), layout="waveform", listen=ALWAYS)
    write_bundle(tmp_path / "bundle", facts, model, golden)
    return tmp_path / "bundle"
