"""The last good data of a recipe: what `dvc.lock` says before a stage runs, and again where what came of it is bad."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tasks.core.errors import DataError
from tasks.data.schema import only_data_differs, schema_change
from tasks.data.versions.versions_store import cached, card_of

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class LastGood:
    """The lock of a DVC project as it was, for one target, such as `prepare@digits`."""

    lock: Path
    target: str
    text: str

    @classmethod
    def of(cls, folder: Path, target: str) -> "LastGood":
        """Returns what is in the lock of a project; nothing where there is none yet."""
        lock = folder / "dvc.lock"
        return cls(lock, target, lock.read_text(encoding="utf-8") if lock.is_file() else "")

    @property
    def name(self) -> str:
        """Of the recipe."""
        return self.target.partition("@")[2]

    def refuse_other_schema(self, cache: Path) -> None:
        """Compares the data that the lock names by now with that of before, where no change was asked for.

        Raises:
            DataError: a sample looks different: then it is not a few samples that are bad.
        """
        before, now = (_stage(text, self.target) for text in (self.text, self.lock.read_text(encoding="utf-8")))
        if not before or not only_data_differs(before, now, f"data/{self.name}/raw"):
            return
        cards = []
        with suppress(DataError):  # nothing is left to compare with
            cards = [card_of(cached(cache, str(stage["outs"][0]["md5"]))) for stage in (before, now)]
        if cards and (problem := schema_change(self.name, *cards)):
            raise DataError(problem)

    def put_back(self, opened: Callable[[], "Repo"]) -> None:
        """Makes raw and prepared data what they were, and what the lock says of them; before any, nothing.

        The files come out of DVC's cache, as far as it has them. What the lock says of other recipes stays.
        """
        if not _stage(self.text, self.target):
            return
        from dvc.utils.serialize import modify_yaml

        stages = (self.target, f"fetch@{self.name}")
        with modify_yaml(str(self.lock)) as now:
            now["stages"].update({name: stage for name in stages if (stage := _stage(self.text, name))})
        with suppress(Exception):  # what went wrong before is told, and the next run makes what is missing
            opened().checkout(list(stages), force=True)


def _stage(text: str, target: str) -> dict[str, Any]:
    """Returns what a lock says of a stage that came to its end; empty where nothing."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stage: dict[str, Any] = ((yaml.load(text, loader) or {}).get("stages") or {}).get(target, {})
    return stage if stage.get("outs") else {}
