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


def test_this_processor_can_be_asked() -> None:
    flags = torch.cpu.get_capabilities()
    assert flags["architecture"]
