"""What turns a model's outputs into answers: the decoder of its kind of task, found by the name in the manifest.

In the repository it is `tasks/kinds/KIND/decode.py`; the wheel for devices has the same file as
`stillhouse_edge/kinds/KIND/decode.py`. No kind is named here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, runtime_checkable

from ..errors import ManifestError
from ..preprocess.frames.joined import FramesOfPictures
from .manifest import MANIFEST, Manifest
from .session import Arrays, Session

_RUNTIME = __name__.rsplit(".", 2)[0]
_KINDS = f"{_RUNTIME}.kinds" if "." not in _RUNTIME else f"{_RUNTIME.rpartition('.')[0]}.kinds"
"""beside this package where it is a part of the repository, inside of it where it is the wheel"""
_KIND = re.compile(r"[a-z][a-z0-9_]{0,49}")
Shapes = Mapping[str, tuple[int | None, ...]]
Card = Mapping[str, Any]
PICTURE = "picture"
"""the detail that is the picture with what was found drawn on it, and its name in an answer"""


class Decoder(Protocol):
    """`PART` of `kinds/KIND/decode.py`, which imports numpy and the standard library alone.

    `card` is the target card in the manifest: its `names`, and the kind's own `facts`.
    """

    details: tuple[str, ...]
    """forms of what is too much for every answer, such as a whole mask; none where an answer is complete"""

    def decode(self, outputs: Arrays, card: Card, detail: str = "") -> list[dict[str, Any]]:
        """Returns one answer per sample as JSON, with a further part in the form `detail` where that is asked for.

        Raises:
            ValueError: an output is infinite or not a number.
        """

    def problems(self, shapes: Shapes, card: Card) -> Iterator[str]:
        """Yields in words what does not fit between the outputs of a model and the card."""

    def difference(self, golden: Arrays, got: Arrays) -> float:
        """Returns how far outputs are from those of the self-test; infinite where they are others."""

    def schema(self, card: Card) -> dict[str, Any]:
        """Returns the JSON schema of one answer."""


@runtime_checkable
class PlacingDecoder(Protocol):
    """A decoder whose answers say where in a picture something is."""

    def placed(self, answers: Sequence[Mapping[str, Any]], frames: FramesOfPictures) -> list[dict[str, Any]]:
        """Returns one answer per picture, in its pixels, of answers per sample in those of the samples.

        A sample is a picture that was resized, or a tile of it. `frames.joined` does the arithmetic.
        """


@runtime_checkable
class MarkingDecoder(Protocol):
    """A decoder whose answers can be drawn on their picture, which `PICTURE` in its `details` asks for."""

    def marks(self, answer: Mapping[str, Any]) -> Sequence[tuple[Sequence[float], str]]:
        """Returns boxes (left, top, right, bottom) in pixels of the picture, and a few words at each."""


def decoder_of(manifest: Manifest, session: Session) -> Decoder:
    """Returns the decoder of a model, after a look at what it is to decode.

    Raises:
        ManifestError: this runtime has no decoder for the kind of task, or the model's outputs are not what it needs.
    """
    decoder = kind_decoder(manifest.task)
    try:
        shapes = {name: output.shape for name, output in session.outputs.items()}
        problems = list(decoder.problems(shapes, manifest.targets))
    except (KeyError, TypeError, AttributeError) as error:
        problems = [f"expected a target card of {manifest.task}, got {error!r}"]
    if problems:
        raise ManifestError(f"`{MANIFEST}`: `targets`: {'; '.join(problems)}; write the bundle again")
    return decoder


@cache
def kind_decoder(task: str) -> Decoder:
    """Returns the decoder of a kind of task.

    Raises:
        ManifestError: this runtime has none.
    """
    name = f"{_KINDS}.{task}.decode"
    try:
        there = bool(_KIND.fullmatch(task)) and find_spec(name) is not None
    except ModuleNotFoundError:  # its folder is not there
        there = False
    if not there:
        raise ManifestError(
            f"`{MANIFEST}`: `task`: expected a kind that this runtime decodes, got {task}; update the runtime"
        )
    decoder: Decoder = import_module(name).PART
    return decoder
