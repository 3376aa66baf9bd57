"""Where a network begins: at random, with weights of its teacher, of a file, of a package, or of a release."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from params.section import Section, Sha256
from params.weights.packages import Pretrained


class FromTeacher(Section):
    """Weights of the teacher, which is of the same kind and at least as wide and deep.

    `init: teacher` is short for `init: {kind: teacher}`.
    """

    kind: Literal["teacher"]
    layers: Literal["by_name", "every_kth"] = "by_name"
    """by_name: from the teacher's layer of equal name; every_kth: where the teacher has k times as many layers, from
    its layers 0, k, 2k, ... (Sanh et al. 2019, DistilBERT, arXiv:1910.01108, section 3)"""
    channels: Literal["norm"] = "norm"
    """where the student is narrower: the channels whose filters have the largest L2 norm"""

    @model_validator(mode="before")
    @classmethod
    def _kind_alone(cls, given: Any) -> Any:
        return {"kind": given} if isinstance(given, str) else given


class FromCheckpoint(Section):
    """A safetensors file that fits the student's architecture."""

    kind: Literal["checkpoint"]
    weights: str
    """a file of the project, as this project writes them"""
    weights_sha256: Sha256 | None = None
    """of the file; another one is refused"""


def _kind_of(given: Any) -> str | None:
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", given)
    return kind if isinstance(kind, str) else None


@dataclass(frozen=True)
class _NamedMembers:
    """Says in the JSON schema which member of the union has which kind, so that an unknown key can be named."""

    kinds: tuple[str, ...]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        references = [member["$ref"] for member in schema["oneOf"] if "$ref" in member]
        mapping = dict(zip(self.kinds, references, strict=True))
        return {**schema, "discriminator": {"propertyName": "kind", "mapping": mapping}}


Otherwise = Annotated[
    Annotated[Literal["random"], Tag("random")]
    | Annotated[FromTeacher, Tag("teacher")]
    | Annotated[FromCheckpoint, Tag("checkpoint")]
    | Annotated[Pretrained, Tag("wheel")],
    Discriminator(_kind_of),
    _NamedMembers(("teacher", "checkpoint", "wheel")),
]
"""what a student starts from without a release"""


class ChampionInit(Section):
    """The network that the newest champion was made with, of those that lead an environment; where none leads, that of
    the last release. Where there is none, or its layers, targets or input are others, training begins as if there were
    none, and says why.
    """

    kind: Literal["champion"]
    fresh_every: int = Field(default=8, ge=1, le=1000)
    """each release of so many begins from nothing, as without this, so that faults do not last; 1: all of them"""
    focal: float | None = Field(default=None, gt=0, le=1000)
    """weight of a further loss: the soft labels of that network, on the training samples that it has right (focal
    distillation, Yan et al. 2021, arXiv:2011.09161); null for none"""
    interpolate: bool = False
    """whether the weights that count may lie between those of that network and the new ones, where fewer samples of
    validation are newly wrong and nothing of the metric that decides is lost (BCWI, Schumann et al. 2023,
    arXiv:2301.10546)"""


class FromChampion(ChampionInit):
    """Where a student begins that goes on from release to release: weights of the student of a champion.

    `init: champion` is short for `init: {kind: champion}`.
    """

    otherwise: Otherwise = "random"
    """without a release, and for every `fresh_every`-th"""

    @model_validator(mode="before")
    @classmethod
    def _kind_alone(cls, given: Any) -> Any:
        return {"kind": given} if isinstance(given, str) else given


Init = Annotated[
    Annotated[Literal["random"], Tag("random")]
    | Annotated[FromTeacher, Tag("teacher")]
    | Annotated[FromCheckpoint, Tag("checkpoint")]
    | Annotated[Pretrained, Tag("wheel")]
    | Annotated[FromChampion, Tag("champion")],
    Discriminator(_kind_of),
    _NamedMembers(("teacher", "checkpoint", "wheel", "champion")),
]
