"""Which files are made of the student, for which processor, and which of them may ship."""

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from params.section import MetricLimits, PartFraction, Section, not_empty

ProcessorKind = Literal["x86-vnni", "x86", "arm64"]


class Target(Section):
    """The processor the model runs on; decides the integer types of a quantised model."""

    isa: ProcessorKind = "x86-vnni"
    """the processor that the release is made for; `stillhouse prove` shows whether it answers there as here"""
    threads: int = Field(default=1, ge=1, le=256)
    """of the processor, that latency is measured with"""


class Calibration(Section):
    """Training samples that show the quantiser the range of every activation."""

    samples: int = Field(default=256, ge=1)
    """of the training split, that ranges are measured on"""
    method: Literal["minmax", "entropy", "percentile"] = "minmax"
    """how ranges follow from the values seen: the extremes, those that lose the least information, or all but the
    outermost"""


class Recovery(Section):
    """A training after a pass that costs quality: like the student's, with its teacher, but shorter and slower."""

    epochs: int = Field(default=10, ge=1, le=100_000)
    """of training afterwards, as the student was trained"""
    learning_rate: float | None = Field(default=None, gt=0, le=100)
    """null for a third of the student's"""


class Fp32(Section):
    """No further pass."""

    kind: Literal["fp32"] = "fp32"


class Prune(Section):
    """Takes whole channels or hidden units out, so that the network is really smaller and stays an ordinary one."""

    kind: Literal["prune"] = "prune"
    keep: PartFraction = 0.5
    """part of the channels of each layer that stays"""
    importance: Literal["magnitude", "batch_norm", "taylor"] = "magnitude"
    """norm of the filters (Li 2017), scale of batch norm (Liu 2017), or what the loss would lose (Molchanov 2019)"""
    multiple_of: int = Field(default=4, ge=1, le=1024)
    """widths are rounded to it: odd ones are slower than the next larger even ones"""
    rounds: int = Field(default=1, ge=1, le=100)
    """how often a part of it is taken out and the rest recovers"""
    recovery: Recovery | None = Recovery()


class Sparsify(Section):
    """Sets the smallest weights to zero. ONNX Runtime computes zeros like other numbers: only packed bytes are won."""

    kind: Literal["sparsify"] = "sparsify"
    zeros: PartFraction = 0.5
    """part of the weights of each layer"""
    recovery: Recovery | None = Recovery()


class LowRank(Section):
    """Replaces linear layers and 1x1 convolutions by two thin ones, from the singular values of their weights."""

    kind: Literal["low_rank"] = "low_rank"
    energy: PartFraction = 0.9
    """part of the squared singular values that stays; layers that would not get smaller are left alone"""
    recovery: Recovery | None = Recovery()


class Fp16(Section):
    """Weights of 16 bits: half the bytes; not faster on a CPU, whose arithmetic stays in 32."""

    kind: Literal["fp16"] = "fp16"


FULL_BITS = 8
WeightBits = Annotated[int, Field(ge=2, le=FULL_BITS)]
"""how many bits of its byte a weight makes use of: with fewer the file packs smaller, and computes no faster"""


class StaticInt8(Section):
    """Weights and activations of 8 bits, with ranges from training samples: for convolutions."""

    kind: Literal["static_int8"] = "static_int8"
    weight_bits: WeightBits = FULL_BITS
    """of each weight"""
    calibration: Calibration | None = None
    """null for that of `compress`"""


class QatInt8(Section):
    """Like `static_int8`, but weights and ranges learn on the grid of integers, with the student's teacher."""

    kind: Literal["qat_int8"] = "qat_int8"
    weight_bits: WeightBits = FULL_BITS
    """of each weight"""
    calibration: Calibration | None = None
    recovery: Recovery = Recovery(epochs=20)


class MixedInt8(Section):
    """Static int8, from which layers leave one by one, the noisiest first, until `limits.below_student` is kept.

    Then those go back that were noisy because of others alone, so that few layers are in float.
    """

    kind: Literal["mixed_int8"] = "mixed_int8"
    calibration: Calibration | None = None


class DynamicInt8(Section):
    """Weights of 8 bits, ranges of activations found at each prediction: for LSTM."""

    kind: Literal["dynamic_int8"] = "dynamic_int8"


def _section(given: Any) -> Any:
    """Takes the name of a pass for the pass with its defaults."""
    return {"kind": given} if isinstance(given, str) else given


NetworkPass = Prune | Sparsify | LowRank
"""from a network to a network; they may come in any number"""
FilePass = Fp32 | Fp16 | StaticInt8 | QatInt8 | MixedInt8 | DynamicInt8
"""from a network to a file; one, at the end"""
Pass = Annotated[NetworkPass | FilePass, Field(discriminator="kind"), BeforeValidator(_section)]


class CandidateParams(Section):
    """A sequence of passes, and what it is called: by default its passes, joined by `-`."""

    name: str = Field(default="", pattern=r"^[a-z0-9_.-]{0,60}$")
    """by which records and reports call it; made of its passes unless said"""
    passes: Annotated[tuple[Pass, ...], Field(strict=False), AfterValidator(not_empty)]
    """one after the other"""

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        """Takes a pass, or a list of passes, for a candidate without a name."""
        if isinstance(given, dict) and "passes" in given:
            return given
        return {"passes": given if isinstance(given, list | tuple) else [given]}

    @model_validator(mode="after")
    def _files_come_last(self) -> Self:
        early = [f"`{done.kind}`" for done in self.passes[:-1] if isinstance(done, FilePass)]
        if early:
            raise ValueError(f"{', '.join(early)} makes a file: it comes last, and only one such pass")
        return self

    @property
    def called(self) -> str:
        """The name, or the passes."""
        return self.name or "-".join(_short(done) for done in self.passes)

    @property
    def network_passes(self) -> tuple[NetworkPass, ...]:
        """Those that change the network."""
        return tuple(done for done in self.passes if isinstance(done, NetworkPass))

    @property
    def file_pass(self) -> FilePass:
        """The one that makes the file."""
        last = self.passes[-1]
        return last if isinstance(last, FilePass) else Fp32()


FP32 = CandidateParams(passes=(Fp32(),))


def _with_fp32(candidates: tuple[CandidateParams, ...]) -> tuple[CandidateParams, ...]:
    return candidates if any(candidate.passes == FP32.passes for candidate in candidates) else (FP32, *candidates)


class Limits(Section):
    """What a candidate must keep to, on validation data, to be allowed to ship; null for no limit."""

    below_student: MetricLimits | None = None
    """at most this much worse than the uncompressed student; null for 0.01 of the metric that decides, {} for none"""
    bytes: int | None = Field(default=None, ge=1)
    """of the file, at most"""
    p95_ms: float | None = Field(default=None, gt=0)
    """milliseconds for one sample, which 95 % of the times keep"""


class Compress(Section):
    """Every candidate is exported and measured; the best by `prefer` that meets `limits` is the one that ships."""

    target: Target = Target()
    candidates: Annotated[
        tuple[CandidateParams, ...], Field(strict=False), AfterValidator(not_empty), AfterValidator(_with_fp32)
    ] = (
        FP32,
        CandidateParams(passes=(StaticInt8(),)),
    )
    """`fp32`, no pass at all, is one of them whether it is named or not"""
    calibration: Calibration = Calibration()
    limits: Limits = Limits()
    prefer: Literal["latency", "bytes", "quality"] = "latency"
    """what decides among the candidates within all limits"""

    @model_validator(mode="after")
    def _names_are_apart(self) -> Self:
        twice = sorted(name for name, count in Counter(c.called for c in self.candidates).items() if count > 1)
        if twice:
            names = ", ".join(f"`{name}`" for name in twice)
            raise ValueError(f"two candidates are called {names}; say `{{name: ..., passes: [...]}}`")
        return self


def _short(done: NetworkPass | FilePass) -> str:
    match done:
        case Prune():
            return f"prune{done.keep:g}"
        case Sparsify():
            return f"sparsify{done.zeros:g}"
        case LowRank():
            return f"low_rank{done.energy:g}"
        case StaticInt8() | QatInt8() if done.weight_bits < FULL_BITS:
            return f"{done.kind}_w{done.weight_bits}"
        case _:
            return done.kind
