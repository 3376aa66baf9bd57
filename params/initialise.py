"""What a student starts from: random weights, its teacher, or a file."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, GetJsonSchemaHandler, Tag, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from params.section import Section, Sha256


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
    weights_sha256: Sha256 | None = None


def _kind_of(given: Any) -> str | None:
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", given)
    return kind if isinstance(kind, str) else None


class _NamedMembers:
    """Says in the JSON schema which member of the union has which kind, so that an unknown key can be named."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        references = [member["$ref"] for member in schema["oneOf"] if "$ref" in member]
        mapping = dict(zip(("teacher", "checkpoint"), references, strict=True))
        return {**schema, "discriminator": {"propertyName": "kind", "mapping": mapping}}


Init = Annotated[
    Annotated[Literal["random"], Tag("random")]
    | Annotated[FromTeacher, Tag("teacher")]
    | Annotated[FromCheckpoint, Tag("checkpoint")],
    Discriminator(_kind_of),
    _NamedMembers(),
]
