"""What is wrong, and the command that repairs it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        wrong: where it is, what was expected, what was found.
        repair: the command to type.
    """

    wrong: str
    repair: str

    def __str__(self) -> str:
        return f"{self.wrong}; {self.repair}"
