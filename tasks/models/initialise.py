"""What a student starts from: its teacher made shallower and narrower, or a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from params.models import Architecture, Audio
from params.weights.inits import FromCheckpoint, FromTeacher
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.files import sha256_of
from tasks.kinds.filters import HEAD, Row
from tasks.models.build import Network
from tasks.models.channel_layout import Layout, channel_layout
from tasks.models.channels import BODY, axis_places, channel_norms, strongest, taken
from tasks.models.weights import load_weights

FIELD = "student.init"
HEAD_STATE = f"{BODY}{HEAD}."
WAY_OUT = "make the student like its teacher, narrower or shallower, or say `init: random`"


@dataclass(frozen=True)
class Copied:
    """What a student has from its teacher, for the log."""

    layers: Mapping[str, str]
    """layer of the student -> layer of the teacher, where weights were copied"""
    kept: Mapping[str, tuple[int, ...]]
    """channel space of the student -> the channels of the teacher that it has, where it is narrower"""
    random: tuple[str, ...] = ()
    """layers that stay as they were drawn"""

    def __str__(self) -> str:
        moved = ", ".join(f"{own} from {other}" if own != other else own for own, other in self.layers.items())
        narrower = "".join(f"; {space} keeps {len(kept)} channels" for space, kept in self.kept.items())
        return f"copied {moved}{narrower}" + (f"; random: {', '.join(self.random)}" if self.random else "")


def initialise(student: Network, teacher: Network, how: FromTeacher) -> Copied:
    """Puts weights and buffers of the teacher, its normalisation included, into the student.

    Layers come from those of equal name (`by_name`), or the i-th of n repeated layers (stage, hidden, layer, block
    within its group; counted from 0) from the teacher's floor(i * k), k = N / n, of N (`every_kth`; Sanh et al. 2019,
    arXiv:1910.01108, section 3, take k = 2). Where the student is narrower, the channels of the largest `channel_norms`
    are kept, wherever they are written and read. The head is copied where it reads what it reads in the teacher; else
    it stays random. With equal architectures the student computes what its teacher computes.

    Raises:
        RecipeError: the networks are of other kinds, or the student is wider or deeper; nothing was changed.
    """
    if (kind := _kind(student.architecture)) != _kind(teacher.architecture):
        expected = f"{_kind(teacher.architecture)}, the kind of the teacher"
        raise RecipeError([mismatch("recipe", FIELD, expected, kind, WAY_OUT)])
    own, other = channel_layout(student), channel_layout(teacher)
    if own is None or other is None:
        return _copy_by_name(student, teacher)
    _refuse(_deeper(own, other))
    norms = channel_norms(teacher)
    copying = _Copying(own, other, _sources(own, other, how), norms)
    _refuse(_wider(copying))
    drawn, learned = student.state_dict(), teacher.state_dict()
    state = {name: _taken(name, tensor, learned, copying) for name, tensor in drawn.items()}
    _refuse(_unfit(drawn, state))
    student.load_state_dict(state)
    return _report(copying)


def _kind(architecture: Architecture) -> str:
    """Returns `cnn`, or `audio with cnn`."""
    return f"audio with {architecture.network.kind}" if isinstance(architecture, Audio) else architecture.kind


def start_from_checkpoint(student: Network, how: FromCheckpoint, project: Path) -> None:
    """Fills the student from a safetensors file; `weights` is relative to the project. Its normalisation comes along.

    Raises:
        DataError: the file is missing, is not what `weights_sha256` says, or does not fit the architecture.
    """
    path = project / how.weights
    if how.weights_sha256 and path.is_file() and (got := sha256_of(path)) != how.weights_sha256:
        do = "correct the digest or the file"
        raise DataError(mismatch(str(path), f"{FIELD}.weights_sha256", how.weights_sha256, got, do))
    load_weights(student, path)


@dataclass(frozen=True)
class _Copying:
    """What comes from where: `own` is the student's layout, `other` the teacher's."""

    own: Layout
    other: Layout
    sources: Mapping[str, str]
    """repeated layer of the student -> the layer of the teacher that it comes from"""
    norms: Mapping[str, Tensor]

    def source(self, name: str) -> str:
        """Returns where a layer, a channel space or a tensor of the student comes from."""
        layer = next((layer for layer in self.sources if name == layer or name.startswith(f"{layer}.")), "")
        return self.sources.get(layer, "") + name.removeprefix(layer)

    def kept(self, ours: str, theirs: str) -> Tensor:
        """Returns the channels of a space of the teacher that a space of the student has."""
        return strongest(self.norms[theirs], self.own.widths[ours])

    def places(self, row: Row, source: Row) -> Tensor | None:
        """Returns the places along an axis of the teacher that an axis of the student has; None for all.

        The spaces of both stand in the same order; a student of one direction reads the first of two.
        """
        kept = {theirs: self.kept(ours, theirs) for ours, theirs in zip(row, source, strict=False)}
        return axis_places(source[: len(row)], self.other.widths, kept)

    def axes(self, name: str) -> list[tuple[Row, Row]]:
        """Returns for each of the first axes of a tensor that is copied its row in the student, and in the teacher."""
        if self.drawn(name):
            return []
        theirs = self.other.axes.get(self.source(name), ())
        return list(zip(self.own.axes.get(name, ()), theirs, strict=True))

    @property
    def head(self) -> bool:
        """Whether the head reads what it reads in the teacher."""
        ours, theirs = self.own.head, self.other.head
        if [layer.name for layer in ours] != [layer.name for layer in theirs]:
            return False
        rows = [(layer.read, other.read) for layer, other in zip(ours, theirs, strict=True)]
        return all(self.source(own) == its for row, other in rows for own, its in zip(row, other, strict=False))

    def drawn(self, name: str) -> bool:
        """Says whether a tensor of the body stays as it was drawn, since it is of a head that reads something else."""
        return name.startswith(f"{HEAD}.") and not self.head


def _copy_by_name(student: Network, teacher: Network) -> Copied:
    """Copies where the channels are not known: all layers of the student; a head that reads others stays random."""
    own, other = student.state_dict(), teacher.state_dict()
    differing = {name for name, tensor in own.items() if name not in other or other[name].shape != tensor.shape}
    of_head = {name for name in own if name.startswith(HEAD_STATE)}
    head = of_head if of_head & differing else set()
    if unlike := sorted(differing - head):
        got = ", ".join(f"`{name.removeprefix(BODY)}`" for name in unlike[:3]) + " that differ"
        expected = f"layers of the teacher for {student.architecture.kind}"
        do = "say `init: random`, or leave out layers of the teacher instead of changing them"
        raise RecipeError([mismatch("recipe", FIELD, expected, got, do)])
    student.load_state_dict({name: tensor if name in head else other[name] for name, tensor in own.items()})
    random = ("head",) if head else ()
    return Copied(
        {name: name for name, child in student.body.named_children() if child.state_dict() and name not in random},
        {},
        random,
    )


def _sources(own: Layout, other: Layout, how: FromTeacher) -> dict[str, str]:
    sources: dict[str, str] = {}
    for start, count in own.repeats.items():
        theirs = other.repeats[start] if how.layers == "every_kth" else count
        sources |= {f"{start}{place + 1}": f"{start}{place * theirs // count + 1}" for place in range(count)}
    return sources


def _deeper(own: Layout, other: Layout) -> list[str]:
    problems = []
    for start, count in own.repeats.items():
        there = other.repeats.get(start, 0)
        if count > there:
            expected = f"at most the {there} layers `{start}...` of the teacher"
            problems.append(mismatch("recipe", FIELD, expected, count, WAY_OUT))
    backward = [{space for space in layout.widths if space.endswith(".homeward")} for layout in (own, other)]
    if backward[0] and not backward[1]:
        expected = "one direction, as in the teacher"
        problems.append(mismatch("recipe", FIELD, expected, "`bidirectional: true`", WAY_OUT))
    return problems


def _wider(copying: _Copying) -> list[str]:
    """Names the spaces of which the student writes or reads more channels than the teacher has."""
    axes = [axis for name in copying.own.axes for axis in copying.axes(name)]
    pairs = dict.fromkeys(pair for row, source in axes for pair in zip(row, source, strict=False))
    problems = []
    for ours, theirs in pairs:
        width, limit = copying.own.widths[ours], copying.other.widths[theirs]
        if width > limit:
            expected = f"at most {limit} channels in `{ours}`, as in `{theirs}` of the teacher"
            problems.append(mismatch("recipe", FIELD, expected, width, WAY_OUT))
    return problems


def _taken(full: str, drawn: Tensor, learned: Mapping[str, Tensor], copying: _Copying) -> Tensor:
    name = full.removeprefix(BODY)
    if copying.drawn(name):
        return drawn
    source = full.removesuffix(name) + copying.source(name)
    return taken(learned[source], [copying.places(*axis) for axis in copying.axes(name)])


def _unfit(drawn: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """Names what differs where no channel space is: the teacher's inputs or outputs are others."""
    do = "take a teacher with the inputs and outputs of the student"
    return [
        mismatch("recipe", FIELD, f"`{name}` of shape {tuple(own.shape)}", tuple(state[name].shape), do)
        for name, own in drawn.items()
        if state[name].shape != own.shape
    ]


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise RecipeError(problems)


def _report(copying: _Copying) -> Copied:
    own, other = copying.own, copying.other
    spaces = {space: copying.source(space) for space in own.widths if copying.head or space not in own.in_head}
    kept = {
        ours: tuple(copying.kept(ours, theirs).tolist())
        for ours, theirs in spaces.items()
        if own.widths[ours] < other.widths[theirs]
    }
    head = [layer.name for layer in own.head]
    layers = [layer.name for layer in own.layers] + (head if copying.head else [])
    return Copied({name: copying.source(name) for name in layers}, kept, () if copying.head else tuple(head))
