"""The budget of one training: teacher, student and baseline each have one."""

from typing import Annotated, Literal

from pydantic import Field

from params.augment import Augment
from params.section import Section

Processes = Annotated[int, Field(ge=1, le=4096)]
"""that share each batch of a training, through Accelerate; what is learned is the same, but for rounding and for batch
norm, which sees its process's part of the batch"""


class Training(Section):
    """How long and how fast a network learns, and which weights are kept."""

    epochs: int = Field(ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1, le=65_536)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0, le=100)
    """highest value; rises linearly over `warmup`, then falls as a cosine to zero"""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """part of all steps"""
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    gradient_clip: float | None = Field(default=None, gt=0)
    """largest L2 norm of the gradient; null for none"""
    keep: Literal["best", "last"] = "best"
    """epoch whose weights are kept: the best on validation, or the last, since where validation is small and the epochs
    are many the best may be a lucky one"""
    freeze_batch_norm: float | None = Field(default=None, ge=0, lt=1)
    """part of the epochs after which batch norm computes with the mean and variance it has learned, as it will once
    trained, instead of with those of the batch, which are noise where batches are small; null for never"""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """part of the hard label that is spread evenly over all classes (Szegedy 2016); the soft label stays as it is"""
    augment: Augment | None = None
    heads: Literal["equal", "learned"] | dict[str, Annotated[float, Field(ge=0)]] = "equal"
    """weights of the losses where samples have several labels: equal, by name, or learned (homoscedastic uncertainty,
    Kendall 2018)"""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """of the arithmetic while training; weights, losses and all that is reported stay in fp32. `auto` is bf16 where the
    processor itself multiplies it, and fp32 elsewhere"""


def require_shares(processes: int, *trainings: Training | None) -> None:
    """Refuses batches that cannot be dealt out evenly; batch norm cannot learn from a single sample.

    Raises:
        ValueError: a batch is not a multiple of the processes, or leaves one of them less than two samples.
    """
    for size in (training.batch_size for training in trainings if training):
        if processes > 1 and (size % processes or size < 2 * processes):
            raise ValueError(
                f"`batch_size` {size} is that of all `processes` together: give a multiple of {processes}, two samples"
                " or more for each"
            )
