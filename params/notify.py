"""Whom to tell what became of a run. Nobody is told by default."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from params.section import Section, not_empty

Event = Literal["promoted", "refused", "failed"]


class Notify(Section):
    """A notification block of the Prefect server; its addresses and secrets are in the block, never in a recipe."""

    block: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")]
    """type and name, such as `custom-webhook/factory` or `slack-webhook/team`"""
    about: Annotated[tuple[Event, ...], Field(strict=False), AfterValidator(not_empty)] = (
        "promoted",
        "refused",
        "failed",
    )
