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
    focal: float | None = None
    """weight of the loss that keeps it to what the release has right; None where there is none"""
    interpolate: bool = False
    """whether its weights may end between those of the release and the new ones"""
    share: float | None = None
    """the part of the release's weights in those that came out; None before that, or where it was not asked for"""
    reason: str = ""
    """why it begins from nothing"""
    weights: Artefact | None = None
    """where they lie; not on record, so that nothing need stay for a training that is over"""

    def content(self) -> dict[str, Any]:
        """The weights, whose they are and what is made of them; a reason changes no number."""
        weights = {"version": self.version, "generation": self.generation, "weights": self.weights_sha256}
        return {**weights, "focal": self.focal, "interpolate": self.interpolate}

    @property
    def on_record(self) -> "Beginning":
        """The same without the place of the weights."""
        return self.model_copy(update={"weights": None})

    @property
    def words(self) -> str:
        """`version 3, warm start 2 in a row`, or `from nothing: there is no release yet`."""
        if self.version is None:
            return f"from nothing: {self.reason}"
        told = [f"version {self.version}, warm start {self.generation} in a row"]
        told += [f"held to what that has right (weight {self.focal:g})"] if self.focal else []
        told += [f"{self.share:.0%} of the weights its own"] if self.share is not None else []
        return ", ".join(told)
