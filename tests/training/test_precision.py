"""With which precision a network computes while it learns."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from params.training import Training
from tasks.training.precision import with_precision

CPU = torch.device("cpu")


class Noting(nn.Module):
    """Remembers in which precision it computed."""

    computed: torch.dtype

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        values = self.linear(inputs["inputs"])
        self.computed = values.dtype
        return {"logits": values, "mask": values > 0}


@pytest.mark.parametrize(
    ("precision", "capability", "expected"),
    [
        ("fp32", "amx_bf16", torch.float32),
        ("bf16", "avx2", torch.bfloat16),
        ("auto", "amx_bf16", torch.bfloat16),
        ("auto", "avx512_bf16", torch.bfloat16),
        ("auto", "bf16", torch.bfloat16),
        ("auto", "avx2", torch.float32),
    ],
)
def test_auto_is_bf16_where_the_processor_multiplies_it(
    precision: Literal["fp32", "bf16", "auto"],
    capability: str,
    expected: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True, "amx_fp16": False})
    network = Noting()
    outputs = with_precision(network, Training(epochs=1, precision=precision), CPU)({"inputs": torch.ones(2, 4)})
    assert network.computed == expected
    assert outputs["logits"].dtype == network.linear.weight.dtype == torch.float32
    assert outputs["mask"].dtype == torch.bool


def test_convolutions_in_groups_compute_in_fp32_and_others_in_bf16() -> None:
    torch.manual_seed(0)
    pointwise, depthwise = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8)
    between: list[Tensor] = []

    class Both(nn.Module):
        def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
            between.append(pointwise(inputs["inputs"]))
            between.append(depthwise(between[0]))
            return {"logits": between[1]}

    pictures = torch.randn(2, 3, 8, 8)
    with_precision(Both(), Training(epochs=1, precision="bf16"), CPU)({"inputs": pictures})["logits"].sum().backward()
    assert [value.dtype for value in between] == [torch.bfloat16, torch.bfloat16]
    assert not torch.equal(between[0].float(), pointwise(pictures))
    assert torch.equal(between[1], depthwise(between[0].float()).bfloat16())
    own = depthwise.weight.grad
    depthwise.zero_grad()
    depthwise(between[0].detach().float()).sum().backward()
    assert own is not None
    assert depthwise.weight.grad is not None
    assert torch.equal(own, depthwise.weight.grad)


def test_this_processor_can_be_asked() -> None:
    flags = torch.cpu.get_capabilities()
    assert flags["architecture"]
