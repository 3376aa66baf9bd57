"""The budget of one training, and random changes to its samples: teacher, student and baseline each have one.

The same sample, seed and view always give the same change.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from params.audio.augment import SoundStep
from params.section import Section, not_empty

Processes = Annotated[int, Field(ge=1, le=4096)]
"""that share each batch of a training, through Accelerate; what is learned is the same, but for rounding and for batch
norm, which sees its process's part of the batch"""


class Flip(Section):
    """Mirrors a picture, each named direction with a chance of one half."""

    kind: Literal["flip"]
    horizontal: bool = True
    """left and right may change places"""
    vertical: bool = False
    """top and bottom may change places"""


class Dihedral(Section):
    """One of the eight symmetries of the square, each equally likely; for square pictures without an upright."""

    kind: Literal["dihedral"]


class Shift(Section):
    """Moves a picture by up to `pixels` up or down and left or right; what comes in is filled as `fill` says."""

    kind: Literal["shift"]
    pixels: int = Field(ge=1, le=1024)
    """in each direction, at most"""
    fill: Literal["edge", "mean"] = "edge"
    """the value of what comes in from outside"""


class Crop(Section):
    """Cuts a window of at least `smallest` of each side at a random place and enlarges it to the old size."""

    kind: Literal["crop"]
    smallest: float = Field(gt=0, lt=1)
    """part of each side that the window has at least"""


class Levels(Section):
    """Multiplies by a random gain and adds a random offset, for other exposures of the same picture."""

    kind: Literal["levels"]
    gain: float = Field(default=0.1, ge=0, lt=1)
    """largest part by which the contrast around the mean grows or shrinks"""
    offset: float = Field(default=0.1, ge=0, le=3)
    """in standard deviations of the channel"""


class Noise(Section):
    """Adds Gaussian noise to every value that is there."""

    kind: Literal["noise"]
    std: float = Field(gt=0, le=3)
    """in standard deviations of the channel or feature"""


class Erase(Section):
    """Fills a rectangle at a random place with the mean (random erasing, Zhong 2017, arXiv:1708.04896)."""

    kind: Literal["erase"]
    chance: float = Field(default=0.5, gt=0, le=1)
    """how likely a sample loses a rectangle"""
    largest: float = Field(default=0.5, gt=0, lt=1)
    """part of each side of the picture that the rectangle takes at most"""


class Mosaic(Section):
    """Makes one picture of four, each at half its size (mosaic, Bochkovskiy 2020, arXiv:2004.10934).

    The three others are drawn from the training samples. It comes first; `crop` behind it shows a part of the four,
    enlarged. For pictures whose targets are of places: boxes and masks.
    """

    kind: Literal["mosaic"]
    chance: float = Field(default=0.5, gt=0, le=1)
    """part of the pictures that become one of four; the others stay as devices see them"""


Step = Annotated[
    Flip | Dihedral | Shift | Crop | Levels | Noise | Erase | Mosaic | SoundStep, Field(discriminator="kind")
]


class Augment(Section):
    """Steps applied one after the other to each training sample; never to validation or test."""

    steps: Annotated[tuple[Step, ...], Field(strict=False), AfterValidator(not_empty)]
    """one after the other"""
    views: int | None = Field(default=None, ge=1, le=100_000)
    """different changes of a sample before the first comes again; null for another one in every epoch. The teacher is
    asked once per view, so fewer views mean fewer soft labels"""

    @model_validator(mode="after")
    def _mosaics_come_first(self) -> Self:
        if any(isinstance(step, Mosaic) for step in self.steps[1:]):
            raise ValueError("`mosaic` takes other pictures as they are: put it first in `steps`, and once")
        return self


class Warm(Section):
    """The budget of a training that begins with the weights of a release (`init: {kind: champion}`)."""

    epochs: int = Field(ge=1, le=100_000)
    """of a training that begins with the champion"""
    learning_rate: float | None = Field(default=None, gt=0, le=100)
    """null for that of the training"""


class Training(Section):
    """How long and how fast a network learns, and which weights it returns."""

    epochs: int = Field(ge=1, le=100_000)
    """times that every training sample is seen"""
    batch_size: int = Field(default=64, ge=1, le=65_536)
    """samples of a step"""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """whose step it is"""
    learning_rate: float = Field(default=1e-3, gt=0, le=100)
    """highest value; rises linearly over `warmup`, then falls as a cosine to zero"""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """part of all steps"""
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    """decoupled from the gradient, as AdamW has it"""
    gradient_clip: float | None = Field(default=None, gt=0)
    """largest L2 norm of the gradient; null for none"""
    keep: Literal["best", "last"] = "best"
    """epoch whose weights count: the best on validation, or the last, since where validation is small and epochs are
    many the best may be a lucky one"""
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
    warm: Warm | None = None
    """instead of `epochs` and `learning_rate` where training begins with the weights of a release; null for no less"""

    @property
    def cold(self) -> "Training":
        """The budget of a training that begins from nothing."""
        return self.model_copy(update={"warm": None}) if self.warm else self

    @property
    def warmed(self) -> "Training":
        """The budget of a training that begins with the weights of a release."""
        if self.warm is None:
            return self
        rate = self.warm.learning_rate or self.learning_rate
        return self.model_copy(update={"epochs": self.warm.epochs, "learning_rate": rate, "warm": None})


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


def require_champion(*trainings: Training | None) -> None:
    """Refuses a budget for weights of a release where none are asked for.

    Raises:
        ValueError: a training has one.
    """
    if any(training.warm for training in trainings if training):
        raise ValueError("`training.warm` is for `init: {kind: champion}`: say that, or leave it out")
