from pathlib import Path

import numpy as np
import pytest

from params.models import Cnn, Recurrent
from tasks.compress.compress import compress
from tasks.core.errors import RefusedError
from tasks.core.progress import silent
from tests.compress.conftest import MakeContext

ANY_ACCURACY: dict[str, dict[str, float]] = {"below_student": {}}


def test_static_int8_of_a_cnn_runs_in_integers_and_is_smaller(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(8, 16)), limits=ANY_ACCURACY)
    fp32, int8 = compress(context, silent).candidates
    assert fp32.operators["Conv"] == 2
    assert int8.operators["QLinearConv"] == 2
    assert "Conv" not in int8.operators
    assert "QGemm" in int8.operators
    assert int8.onnx.size < fp32.onnx.size
    assert fp32.parity < 1e-4 < int8.parity < 0.5


def test_static_int8_leaves_the_normalisation_in_float(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(8, 16)), limits=ANY_ACCURACY)
    operators = compress(context, silent).candidates[1].operators
    assert operators["Sub"] == operators["Div"] == 1
    assert operators["QuantizeLinear"] == 1


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
@pytest.mark.parametrize("isa", ["x86-vnni", "x86", "arm64"])
def test_every_target_and_calibration_method_makes_a_file(
    tiny_images: Path, make_context: MakeContext, isa: str, method: str
) -> None:
    context = make_context(
        tiny_images,
        Cnn(kind="cnn", channels=(8, 16)),
        target={"isa": isa},
        candidates=["static_int8"],
        calibration={"method": method, "samples": 33},
        limits=ANY_ACCURACY,
    )
    _, candidate = compress(context, silent).candidates
    assert candidate.target.isa == isa
    assert candidate.parity < 1


def test_dynamic_int8_of_an_lstm_runs_in_integers_and_is_smaller(
    tiny_sequences: Path, make_context: MakeContext
) -> None:
    context = make_context(
        tiny_sequences, Recurrent(kind="lstm", hidden=16), candidates=["fp32", "dynamic_int8"], limits=ANY_ACCURACY
    )
    fp32, int8 = compress(context, silent).candidates
    assert fp32.operators["LSTM"] == 1
    assert int8.operators["DynamicQuantizeLSTM"] == 1
    assert int8.onnx.size < fp32.onnx.size
    assert int8.parity < 0.1


@pytest.mark.parametrize("candidate", ["static_int8", "dynamic_int8"])
def test_int8_of_a_gru_is_refused_with_the_reason(
    tiny_sequences: Path, make_context: MakeContext, candidate: str
) -> None:
    context = make_context(tiny_sequences, Recurrent(kind="gru", hidden=8), candidates=["fp32", candidate])
    compressed = compress(context, silent)
    assert compressed.chosen == "fp32"
    assert "GRU" in compressed.refused[candidate]
    assert not (context.directory / f"{candidate}.onnx").exists()


def test_unreachable_limits_are_refused_with_what_each_candidate_broke(
    tiny_images: Path, make_context: MakeContext
) -> None:
    context = make_context(
        tiny_images,
        Cnn(kind="cnn", channels=(8, 16)),
        candidates=["fp32", "static_int8", "dynamic_int8"],
        limits={"bytes": 10, "below_student": {}},
    )
    with pytest.raises(RefusedError, match="no useful dynamic int8 kernel for Conv") as refusal:
        compress(context, silent)
    assert str(refusal.value).count("`limits.bytes`: expected at most 10, got") == 2


def test_equal_students_give_equal_files(tiny_images: Path, make_context: MakeContext) -> None:
    context = make_context(tiny_images, Cnn(kind="cnn", channels=(8, 16)), limits=ANY_ACCURACY)
    first, second = compress(context, silent), compress(context, silent)
    assert [c.digest for c in first.candidates] == [c.digest for c in second.candidates]


def test_progress_ends_at_its_total(tiny_sequences: Path, make_context: MakeContext) -> None:
    steps: list[tuple[int, int, str]] = []
    context = make_context(tiny_sequences, Recurrent(kind="lstm", hidden=4), limits=ANY_ACCURACY)
    compress(context, lambda *step: steps.append(step))
    assert [note for _, _, note in steps] == ["fp32", "static_int8", "measured"]
    assert steps[-1][0] == steps[-1][1]
    assert np.all(np.diff([done for done, _, _ in steps]) > 0)
