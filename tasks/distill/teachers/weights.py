"""A teacher that is a network with weights from elsewhere: a safetensors file, or a factory that loads its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from params.models import Architecture, ImportedArchitecture, Translated
from params.teacher import IMAGENET, Normalisation, WeightsTeacher
from tasks.contracts.records import DataSpec, Statistics
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of
from tasks.distill.teachers.outputs import require_width
from tasks.distill.teachers.teacher_kind import MadeTeacher, Place, TeacherWork
from tasks.kinds.contract import HeadPart, TargetsPart, part
from tasks.layouts import INPUTS, find_layout
from tasks.models.build import Network, build_model, count_parameters
from tasks.models.layers import require_fit
from tasks.models.weights import Shapes, fill_weights, read_header, read_weights, require_equal_layers, shapes_of
from tasks.training.batches import Batch

IN_PARALLEL = "module."
"""before every name, where a network was saved inside `DataParallel`"""
COUNTER = "num_batches_tracked"
"""of batch norm; nothing that a trained network computes depends on it"""


def make(teacher: WeightsTeacher, work: TeacherWork) -> MadeTeacher:
    """Builds the network and fills in its weights and its normalisation.

    Raises:
        DataError: the file is missing, cut short or another one, or does not fit the architecture or the data.
        RecipeError: the architecture does not go with the data.
    """
    spec = work.data.card.spec
    network = build_model(_architecture(teacher, work.data.card.task, spec), spec)
    if teacher.weights is not None:
        _fill(network, teacher, _weights(teacher, work.project))
    if teacher.normalise is not None:
        normalise(network, teacher.normalise)
    require_fit(network, "teacher.architecture")
    names = network.architecture.names if isinstance(network.architecture, Translated) else ()
    width = _width(network, Batch.of(work.data.splits.validation.gather(np.arange(2)), torch.device("cpu")))
    if width is not None:
        where, some = teacher.weights or "teacher.architecture", isinstance(teacher.correspondence, dict)
        require_width(where, "", width, names, spec, some)
    return MadeTeacher(network.eval(), network.architecture, parameters=count_parameters(network))


def look(teacher: WeightsTeacher, place: Place) -> None:
    """Compares the header of the weights with the layers of the architecture; of a factory, when the data is known.

    Raises:
        DataError: the file is missing or cut short, or its layers are others.
        RecipeError: the factory does not return a network.
    """
    targets = place.targets
    if targets is not None:
        heads = part(place.task, "head", HeadPart)
        heads.output_names(teacher.correspondence, teacher.lacks, None, targets)
    if teacher.weights is None:
        return
    path = place.project / teacher.weights
    found = _bare(read_header(path))
    imported = isinstance(teacher.architecture, ImportedArchitecture)
    if imported and targets is None:
        return
    features = find_layout(place.input.layout).features(place.input.shape)
    statistics = Statistics(mean=(0.0,) * features, std=(1.0,) * features)
    nominal = part(place.task, "targets", TargetsPart).nominal()
    spec = DataSpec(input=place.input, task=place.task, targets=targets or nominal, statistics=statistics)
    with torch.device("cpu" if imported else "meta"):
        network = build_model(_architecture(teacher, place.task, spec), spec)
    expected = _Expected.of(network)
    _require_said_once(teacher, path, own=expected.is_own(found))
    if targets is None:  # how many outputs there will be is not known
        found = _without_width(found, expected.fitting(found), part(place.task, "head", HeadPart).width(nominal))
    require_equal_layers(expected.fitting(found), found, path)


def alternatives(teacher: WeightsTeacher) -> Iterator[tuple[str, WeightsTeacher]]:
    """Yields other normalisations, in words and as a section."""
    ways = {"imagenet": IMAGENET, "none": Normalisation(), "{scale: 255}": Normalisation(scale=255.0)}
    for words, how in ways.items():
        if teacher.normalise is not None and how != teacher.normalise:
            yield f"`normalise: {words}`", teacher.model_copy(update={"normalise": how})


def normalise(network: Network, how: Normalisation) -> None:
    """Lets a network normalise raw values as it was trained to.

    Raises:
        DataError: there are more or fewer numbers than channels or features.
    """
    for field, buffer, said in (("mean", network.mean, how.mean), ("std", network.std, how.std)):
        if len(said) not in (1, buffer.numel()):
            expected = f"1 or {buffer.numel()} numbers, one per channel or feature of the data"
            raise DataError(mismatch("recipe", f"teacher.normalise.{field}", expected, len(said), "correct it"))
        # The network computes (value - mean) / std with both in the scale of the raw values.
        buffer.copy_((torch.tensor(said) * how.scale).expand(buffer.numel()).reshape(buffer.shape))


@dataclass(frozen=True)
class _Expected:
    """Names and shapes of the layers, as a run here stores them and as `net.state_dict()` has them."""

    own: Shapes
    bare: Shapes

    @classmethod
    def of(cls, network: Network) -> "_Expected":
        return cls(shapes_of(network.state_dict()), shapes_of(network.body.state_dict()))

    def is_own(self, found: Shapes) -> bool:
        """Says whether a file is one that a run here stored."""
        return {"mean", "std"} <= found.keys() and any(name.startswith("body.") for name in found)

    def fitting(self, found: Shapes) -> Shapes:
        """Returns what a file should hold; counters of batch norm only where it has them."""
        expected = self.own if self.is_own(found) else self.bare
        return {name: shape for name, shape in expected.items() if name in found or not name.endswith(COUNTER)}


def _fill(network: Network, teacher: WeightsTeacher, path: Path) -> None:
    found = {name.removeprefix(IN_PARALLEL): value for name, value in read_weights(path).items()}
    expected = _Expected.of(network)
    own = expected.is_own(shapes_of(found))
    _require_said_once(teacher, path, own=own)
    target: nn.Module = network if own else network.body
    counters = {name: value for name, value in target.state_dict().items() if name.endswith(COUNTER)}
    fill_weights(target, {**counters, **found}, path)


def _require_said_once(teacher: WeightsTeacher, path: Path, *, own: bool) -> None:
    if own and teacher.normalise is not None:
        expected, got = "nothing, since the file holds its mean and std", "a normalisation"
        raise DataError(mismatch(str(path), "teacher.normalise", expected, got, "leave it out"))
    if not own and teacher.normalise is None:
        do = "say `imagenet`, `none`, or mean, std and scale: what the network was trained with"
        raise DataError(mismatch(str(path), "teacher.normalise", "how raw values are normalised", "nothing", do))


def _architecture(teacher: WeightsTeacher, task: str, spec: DataSpec) -> Architecture:
    heads = part(task, "head", HeadPart)
    names = heads.output_names(teacher.correspondence, teacher.lacks, None, spec.targets)
    if not names or isinstance(teacher.architecture, Translated):
        return teacher.architecture
    return Translated(kind="translated", network=teacher.architecture, names=names)


def _weights(teacher: WeightsTeacher, project: Path) -> Path:
    path, sha256 = project / str(teacher.weights), teacher.weights_sha256
    if sha256 and path.is_file() and (got := sha256_of(path)) != sha256:
        raise DataError(mismatch(str(path), "teacher.weights_sha256", sha256, got, "correct the digest or the file"))
    return path


def _bare(found: Shapes) -> Shapes:
    return {name.removeprefix(IN_PARALLEL): shape for name, shape in found.items()}


def _without_width(found: Shapes, expected: Shapes, nominal: int) -> Shapes:
    """Returns shapes whose first length counts as right where it is that of the outputs, which nothing tells yet."""

    def taken(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        wanted = expected.get(name, ())
        return wanted if wanted[:1] == (nominal,) and wanted[1:] == shape[1:] else shape

    return {name: taken(name, shape) for name, shape in found.items()}


@torch.no_grad()
def _width(network: Network, batch: Batch) -> int | None:
    """Returns how many outputs the network itself has; None where it names them."""
    values = (batch.inputs[INPUTS].to(network.mean.dtype) - network.mean) / network.std
    found: Tensor | Mapping[str, Tensor] = network.eval().body(
        values, *(batch.inputs[name] for name in network.form.further)
    )
    found = found if isinstance(found, Tensor) else getattr(found, "logits", found)
    return found.shape[-1] if isinstance(found, Tensor) else None
