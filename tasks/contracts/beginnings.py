"""What a training begins from where its recipe asks for the network of a champion."""

from typing import Any

from tasks.core.record import Artefact, Record


class Beginning(Record):
    """The release whose weights a training begins with; or that it begins from nothing, and why."""

    version: int | None = None
    """of the release; None: from nothing"""
    generation: int = 0
    """how many trainings in a row began with those of a release, this one included"""
    weights_sha256: str = ""
    licences: tuple[str, ...] = ()
    """of what those weights were made of, beside the data"""
    reason: str = ""
    """why it begins from nothing"""
    weights: Artefact | None = None
    """where they lie; not on record, so that nothing need stay for a training that is over"""

    def content(self) -> dict[str, Any]:
        """The weights and whose they are; a reason changes no number."""
        return {"version": self.version, "generation": self.generation, "weights": self.weights_sha256}

    @property
    def on_record(self) -> "Beginning":
        """The same without the place of the weights."""
        return self.model_copy(update={"weights": None})

    @property
    def words(self) -> str:
        """`version 3, warm start 2 in a row`, or `from nothing: there is no release yet`."""
        if self.version is None:
            return f"from nothing: {self.reason}"
        return f"version {self.version}, warm start {self.generation} in a row"
