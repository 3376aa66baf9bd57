import pytest
import torch
from torch import nn

from params.models import Cnn, ResNet
from params.training import Training
from tasks.training.memory_format import prefer_channels_last
from tasks.training.network import HardLabels, PreparedData, train_network


def _is_channels_last(network: nn.Module) -> bool:
    weights = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
    return all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


@pytest.mark.parametrize(
    ("widths", "expected"), [((8, 16), True), ((16, 24, 32), True), ((4, 8), False), ((12, 16), True)]
)
def test_narrow_shortcuts_keep_a_network_as_it_is(
    widths: tuple[int, ...], expected: bool, image_data: PreparedData
) -> None:
    network = image_data.network(ResNet(kind="resnet", widths=widths))
    prefer_channels_last(network)
    assert _is_channels_last(network) == expected


def test_a_plain_network_of_any_width_is_put_so(image_data: PreparedData) -> None:
    network = image_data.network(Cnn(kind="cnn", channels=(3, 5)))
    prefer_channels_last(network)
    assert _is_channels_last(network)


def test_a_narrow_residual_network_learns(image_data: PreparedData) -> None:
    """Where it does not, the process is aborted: its heap is corrupted."""
    training = Training(epochs=3, batch_size=16, learning_rate=0.02)
    objective = HardLabels(image_data, training)
    done = train_network(
        ResNet(kind="resnet", widths=(4, 8), blocks=2),
        training,
        image_data,
        lambda _network: objective,
        0,
        lambda *_step: None,
        lambda _epoch, _metrics: None,
    )
    assert done.fit.best["validation_accuracy"] > 0.5
