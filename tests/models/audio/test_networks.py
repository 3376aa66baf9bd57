"""Networks for sound: they export, they can be narrowed, and a student may start from its teacher."""

from pathlib import Path

import onnx
import pytest
import torch

from params.audio.networks import BcResNet, DsCnn, LogMel
from params.models import Audio, Cnn, Recurrent, ResNet
from params.weights.inits import FromTeacher
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError
from tasks.models.build import Network, build_model, count_parameters
from tasks.models.channels import channel_norms, narrowed, strongest
from tasks.models.export import export_onnx, parity
from tasks.models.initialise import initialise
from tasks.models.layers import Taps, layer_shapes
from tasks.runtime.bundle.session import Session
from tests.models.conftest import data_spec, made

CLIP = InputSpec(layout="waveform", dtype="float32", shape=(8_000,))
FRONT_END = LogMel(kind="log_mel", sample_rate=8_000)
Behind = Cnn | ResNet | DsCnn | BcResNet | Recurrent
NETWORKS: dict[str, tuple[Behind, int]] = {
    "cnn": (Cnn(kind="cnn", channels=(16, 24, 32)), 11_066),
    "ds_cnn": (DsCnn(kind="ds_cnn"), 23_130),
    "bc_resnet": (BcResNet(kind="bc_resnet"), 7_814),
    "gru": (Recurrent(kind="gru", hidden=40), 10_330),
    "lstm": (Recurrent(kind="lstm", hidden=24, layers=2, bidirectional=True), 27_450),
}


def network(behind: Behind, seed: int = 0) -> Network:
    return made(Audio(kind="audio", front_end=FRONT_END, network=behind), CLIP, seed)


@pytest.mark.parametrize("name", NETWORKS)
def test_small_networks_are_as_small_as_they_should_be(name: str) -> None:
    behind, parameters = NETWORKS[name]
    model = build_model(Audio(kind="audio", front_end=FRONT_END, network=behind), data_spec(CLIP, 10))
    assert count_parameters(model) == parameters


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_takes_samples_of_sound_in_batches_of_any_size(name: str, tmp_path: Path) -> None:
    model = network(NETWORKS[name][0])
    export_onnx(model, tmp_path / "model.onnx")
    session = Session((tmp_path / "model.onnx").read_bytes())
    assert session.inputs["inputs"].shape == (None, 8_000)
    assert parity(model, session, seed=1) < 1e-4
    assert not onnx.load(tmp_path / "model.onnx").functions


@pytest.mark.parametrize("name", ["cnn", "gru", "lstm"])
def test_a_network_behind_a_front_end_can_be_narrowed(name: str) -> None:
    model = network(NETWORKS[name][0])
    assert isinstance(model.architecture, Audio)
    kept = {space: strongest(norms, len(norms) // 2) for space, norms in channel_norms(model).items()}
    architecture, weights = narrowed(model, kept)
    smaller = build_model(architecture, model.spec)
    smaller.load_state_dict(weights)
    assert count_parameters(smaller) < count_parameters(model) / 2
    assert architecture.kind == "audio"


def test_a_student_starts_from_a_teacher_of_the_same_family() -> None:
    student, teacher = network(Cnn(kind="cnn", channels=(4, 8))), network(Cnn(kind="cnn", channels=(4, 8)), seed=1)
    initialise(student, teacher, FromTeacher(kind="teacher"))
    clips = {"inputs": torch.randn(2, 8_000)}
    assert torch.equal(student.eval()(clips)["logits"], teacher.eval()(clips)["logits"])
    with pytest.raises(RecipeError, match="expected audio with gru, the kind of the teacher, got audio with cnn"):
        initialise(student, network(Recurrent(kind="gru", hidden=4)), FromTeacher(kind="teacher"))


def test_layers_are_named_and_give_channels_first() -> None:
    shapes = layer_shapes(network(NETWORKS["gru"][0]))
    assert str(shapes["front_end"]) == "40x97"
    assert str(shapes["layer1"]) == "40x97"
    model = network(NETWORKS["cnn"][0])
    with Taps(model, ["stage1"]) as taps, torch.no_grad():
        clips = {"inputs": torch.randn(2, 8_000)}
        model(clips)
        assert taps.values(clips)[0][0].shape == (2, 16, 20, 48)


def test_other_networks_do_not_take_sound() -> None:
    with pytest.raises(RecipeError, match=r"architecture.kind: cnn`: expected image data, got waveform; take audio"):
        build_model(Cnn(kind="cnn", channels=(4,)), data_spec(CLIP))
