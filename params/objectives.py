"""What a student may learn from its teacher: soft labels, and what happens in the layers.

Default weights are those of the implementation that is named beside each: RepDistiller (RD), mdistiller (MD), mmrazor
(MR). They all add `weight * objective` to the full cross-entropy.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from params.annealing import AnnealedTemperature, NonNegative, Weight
from params.section import Section, not_empty


class SoftLabelObjective(Section):
    """Compares the logits of student and teacher."""

    asks_label: ClassVar[bool] = False
    """of every sample"""
    towards_outputs: ClassVar[bool] = False
    """the student's outputs come to be the teacher's own, and not only alike among each other"""
    kind: str
    weight: Weight = 1.0
    standardise: bool = False
    """logits of each row to mean 0 and deviation 1 before (Sun et al. 2024, arXiv:2403.01427)"""
    per: Literal["sequence", "step"] = "sequence"
    """step: for each frame of a sequence that is no padding"""


class SoftenedObjective(SoftLabelObjective):
    """Compares probabilities at a temperature."""

    temperature: AnnealedTemperature | None = None
    """null for that of `distill`"""


class Kl(SoftenedObjective):
    """T^2 * KL(teacher || student) (Hinton et al. 2015, arXiv:1503.02531); weight of MR."""

    kind: Literal["kl"]


class ReverseKl(SoftenedObjective):
    """T^2 * KL(student || teacher): the student may leave out what it cannot be."""

    kind: Literal["reverse_kl"]


class SymmetricKl(SoftenedObjective):
    """Mean of `kl` and `reverse_kl`."""

    kind: Literal["symmetric_kl"]


class LogitMse(SoftLabelObjective):
    """Mean over classes of the squared difference of logits (Ba and Caruana 2014, arXiv:1312.6184); no temperature."""

    towards_outputs = True
    kind: Literal["logit_mse"]


class Dkd(SoftenedObjective):
    """The label's class and the others apart (Zhao et al. 2022, arXiv:2203.08679); weight of MD.

    MD raises the weight over its first 20 epochs: `weight: {start: 0, end: 1, over: ...}`.
    """

    asks_label = True
    kind: Literal["dkd"]
    target: NonNegative = 1.0
    """weight of the label's class against the rest (MD: alpha)"""
    non_target: NonNegative = 8.0
    """weight of the other classes among themselves (MD: beta, of CIFAR-100); 0 by nature where there are two classes"""


class Dist(SoftenedObjective):
    """Correlations with the teacher within each row and within each class (Huang et al. 2022, arXiv:2205.10536);
    weight of MR.
    """

    kind: Literal["dist"]
    weight: Weight = 2.0
    beta: NonNegative = 1.0
    """weight of the correlation within a row, between classes"""
    gamma: NonNegative = 1.0
    """weight of the correlation within a class, between the rows of a batch"""


class Cosine(SoftLabelObjective):
    """1 - cos of vectors without a softmax, such as embeddings; half the squared distance of those of length 1."""

    towards_outputs = True
    kind: Literal["cosine"]


class OutputRelation(SoftLabelObjective):
    """Distances between pairs and angles within triplets of a batch, of outputs (RKD, Park et al. 2019,
    arXiv:1904.05068); for teachers without layers, such as ONNX files.
    """

    kind: Literal["output_relation"]
    distance: NonNegative = 25.0
    """weight of the distances, as of `relation`"""
    angle: NonNegative = 50.0
    """weight of the angles"""


class OutputSimilarity(SoftLabelObjective):
    """Cosines between all samples of a batch, of outputs; what `similarity` is of layers."""

    kind: Literal["output_similarity"]
    weight: Weight = 10.0


class LayerPair(Section):
    """Names of layers, such as `stage2`, `group3` or `layer1`."""

    student: str
    """name of the layer whose output learns"""
    teacher: str
    """name of the layer whose output it learns from"""


class FeatureObjective(Section):
    """Compares layers of student and teacher; the sum over the pairs of `layers`."""

    asks_label: ClassVar[bool] = False
    kind: str
    weight: Weight = 1.0
    layers: Annotated[tuple[LayerPair, ...], Field(strict=False), AfterValidator(not_empty)]


class Hint(FeatureObjective):
    """Squared distance after a learned 1x1 projection with batch norm (FitNets, Romero et al. 2015, arXiv:1412.6550);
    weight of RD and MD.
    """

    kind: Literal["hint"]
    weight: Weight = 100.0


class Attention(FeatureObjective):
    """Where in a picture or sequence the layer is active (AT, Zagoruyko and Komodakis 2017, arXiv:1612.03928).

    Weight of RD and MD.
    """

    kind: Literal["attention"]
    weight: Weight = 1000.0


class Similarity(FeatureObjective):
    """Inner products between the samples of a batch (SP, Tung and Mori 2019, arXiv:1907.09682); weight of RD and MD."""

    kind: Literal["similarity"]
    weight: Weight = 3000.0


class Cwd(FeatureObjective):
    """Where in a picture or sequence each channel is high (Shu et al. 2021, arXiv:2011.13256); weight of its authors
    for logits, which `head.classifier` gives where each pixel is told apart.
    """

    kind: Literal["cwd"]
    weight: Weight = 3.0
    temperature: float = Field(default=4.0, gt=0, le=100)
    """of the softmax over all positions"""


class Pairwise(FeatureObjective):
    """How alike the places of each picture are (SKD, Liu et al. 2019, arXiv:1903.04197)."""

    kind: Literal["pairwise"]
    weight: Weight = 1.0
    places: int = Field(default=8, ge=2, le=64)
    """to which maps are pooled along each axis: all pairs of them are compared"""


class Relation(FeatureObjective):
    """Distances between pairs and angles within triplets of a batch (RKD, Park et al. 2019, arXiv:1904.05068)."""

    kind: Literal["relation"]
    distance: NonNegative = 25.0
    """weight of the distances (RD, MD, MR)"""
    angle: NonNegative = 50.0
    """weight of the angles (RD, MD, MR)"""


class Pkt(FeatureObjective):
    """How likely each sample of a batch takes each other for its neighbour (Passalis and Tefas 2018, arXiv:1803.10837);
    weight of RD and MD.
    """

    kind: Literal["pkt"]
    weight: Weight = 30_000.0


class Vid(FeatureObjective):
    """Log-likelihood of the teacher's layer given the student's, with a learned variance per channel (Ahn et al. 2019,
    arXiv:1904.05835); weight of RD and MD.
    """

    kind: Literal["vid"]
    variance: float = Field(default=5.0, ge=0.01, le=100)
    """of every channel before the first step (RD)"""


class Crd(FeatureObjective):
    """Tells the teacher's answer to the same sample from its answers to others (Tian et al. 2020, arXiv:1910.10699).

    Weight and the other numbers of RD.
    """

    kind: Literal["crd"]
    weight: Weight = 0.8
    negatives: int = Field(default=16_384, ge=1, le=1_000_000)
    """other samples per sample; all others where there are no more than that"""
    temperature: float = Field(default=0.07, gt=0, le=100)
    """of the contrast; it has nothing to do with the temperature of soft labels"""
    momentum: float = Field(default=0.5, ge=0, lt=1)
    """of what is remembered of a sample from one epoch to the next"""
    width: int = Field(default=128, ge=1, le=4096)
    """of the space in which samples are compared"""


class Review(FeatureObjective):
    """Layers fused from the deepest upwards, compared at several resolutions (Chen et al. 2021, arXiv:2104.09044);
    weight of MD, which raises it over its first 20 epochs.

    `layers` go from shallow to deep.
    """

    kind: Literal["review"]


Objective = Annotated[
    Kl
    | ReverseKl
    | SymmetricKl
    | LogitMse
    | Dkd
    | Dist
    | Cosine
    | OutputRelation
    | OutputSimilarity
    | Hint
    | Attention
    | Similarity
    | Cwd
    | Pairwise
    | Relation
    | Pkt
    | Vid
    | Crd
    | Review,
    Field(discriminator="kind"),
]
Objectives = Annotated[tuple[Objective, ...], Field(strict=False), AfterValidator(not_empty)]
