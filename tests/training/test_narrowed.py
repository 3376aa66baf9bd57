"""With which precision a network computes while it learns."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from params.training import Training
from tasks.training.precision import with_precision

CPU = torch.device("cpu")


class Noting(nn.Linear):
    """Remembers in which precision it answered."""

    answered: torch.dtype

    def forward(self, inputs: Tensor) -> Tensor:
        answer = super().forward(inputs)
        self.answered = answer.dtype
        return answer


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
    network = Noting(4, 3)
    answer = with_precision(network, Training(epochs=1, precision=precision), CPU)(torch.ones(2, 4))
    assert network.answered == expected
    assert answer.dtype == network.weight.dtype == torch.float32


def test_this_processor_can_be_asked() -> None:
    flags = torch.cpu.get_capabilities()
    assert flags["architecture"]
