"""The exceptions of Stillhouse, by what the person at the keyboard should do next.

StillhouseError
├── InputError          correct what you gave us                     exit 2
│   ├── RecipeError     ... in the recipe or on the command line
│   └── DataError       ... in the data
├── RefusedError        a gate or a limit said no; nothing changed   exit 1
├── IntegrityError      bytes are not what their digest says         exit 1
├── BusyError           another run holds it; Prefect tries again    exit 1
├── UnreachableError    start the server, or name another            exit 1
├── DiskFullError       free some room; the same command goes on     exit 1
├── StageError          a stage failed for a reason of its own       exit 1
└── StoppedError        a person pressed Ctrl-C                      exit 130
"""

from collections.abc import Sequence


class StillhouseError(Exception):
    """The message is for a person: it names file and field, what was expected, what was found, what to do."""

    exit_code = 1


class InputError(StillhouseError):
    """Something that was given is wrong."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe, an override or an option is wrong; carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(InputError):
    """The data cannot be read, or is not what the recipe says it is."""


class RefusedError(StillhouseError):
    """A gate or a limit refused; the state is as it was."""


class IntegrityError(StillhouseError):
    """A file's bytes differ from the digest on record."""


class BusyError(StillhouseError):
    """A resource is held by another run; the same call may work later."""


class UnreachableError(StillhouseError):
    """A server that a variable names does not answer."""


class DiskFullError(StillhouseError):
    """There is no room on the disk for what is to be written; what was there is as it was."""


class StageError(StillhouseError):
    """A stage could not finish."""


class StoppedError(StillhouseError):
    """A person stopped it."""

    exit_code = 130


def mismatch(where: str, field: str, expected: str, got: object, do: str) -> str:
    """Words one problem the same way everywhere.

    Args:
        where: the file, or the object, that is wrong.
        field: the field in it, dotted; empty for the file as a whole.
        expected: what would have been right.
        got: what was found.
        do: what to do next, as an instruction.
    """
    place = f"`{where}`: `{field}`" if field else f"`{where}`"
    return f"{place}: expected {expected}, got {got}; {do}"


def printable(text: str) -> str:
    """Writes out what would break a line or steer a terminal: names, reasons and paths are a person's own text."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
