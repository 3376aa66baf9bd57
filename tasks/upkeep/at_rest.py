"""Files that no release needs to be made again, byte by byte: what runs kept, soft labels, results, checkpoints.

What is damaged here leads to nothing: a stage looks at a file before it takes it. This is to find it before that.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import IntegrityError
from tasks.core.files import local_path, sha256_of
from tasks.distill.soft_labels.stored import DIGESTS, KEY, damaged_files, folder_of
from tasks.distill.teachers.answer_log import ANSWERS, AnswerLog
from tasks.tracking.kept import digests_in
from tasks.tracking.sealed import SEALED, unsealed
from tasks.training.checkpoints.checkpoint_file import read_checkpoint
from tasks.upkeep.finding import Finding
from tasks.upkeep.mlflow_runs import all_runs

AGAIN = "stillhouse run RECIPE"


def kept_files() -> Iterator[Finding]:
    """Yields the artifacts of runs on this machine that are not as they were kept."""
    for run in all_runs():
        folder = local_path(run.artifacts)
        for name, sha256 in digests_in(run.tags).items() if folder else ():
            path = Path(folder or "", name)
            got = sha256_of(path) if path.is_file() else "no file"
            if got != sha256:
                yield Finding(f"`{path}`: expected sha256 {sha256}, as run `{run.name}` kept it, got {got}", AGAIN)


def soft_labels(store: Path) -> Iterator[Finding]:
    """Yields the files of soft labels that are not as they were written, and keys that are none of their folder."""
    for folder in sorted(path for path in store.glob("[!.]*") if path.is_dir()):
        wrong = dict.fromkeys(damaged_files(folder))
        if not wrong and not _is_named_by_its_key(folder):
            wrong = {KEY: None}
        for name in wrong:
            yield Finding(
                f"`{folder / name}`: expected the bytes that `{DIGESTS}` names, got others", f"rm -r {folder}"
            )


def results(folder: Path) -> Iterator[Finding]:
    """Yields the results of stages that are not as they were stored; those of an older version carry no digest."""
    for path in sorted(path for path in folder.glob("[!.]*") if path.is_file()):
        if not _is_as_stored(path):
            yield Finding(f"`{path}`: expected a result with its own sha256, got other bytes", f"rm {path}")


def checkpoints(folder: Path) -> Iterator[Finding]:
    """Yields the checkpoints that cannot be gone on from."""
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            read_checkpoint(path)
        except IntegrityError as error:
            yield Finding(str(error), f"rm {path}")


def teacher_answers(folder: Path) -> Iterator[Finding]:
    """Yields the files of what programs have answered that cannot be read: they would be asked everything again."""
    for path in sorted(folder.glob(f"*/{ANSWERS}")):
        try:
            AnswerLog(path).read()
        except IntegrityError as error:
            yield Finding(str(error), f"mv {path} {path}.damaged   (or correct it)")


def _is_named_by_its_key(folder: Path) -> bool:
    try:
        return folder_of(folder.parent, json.loads((folder / KEY).read_text())) == folder
    except (OSError, ValueError):
        return False


def _is_as_stored(path: Path) -> bool:
    try:
        kept = json.loads(path.read_bytes())
        made_by = kept["metadata"]["serializer"]["type"]
        if made_by == SEALED:
            unsealed(kept["result"].encode())
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return made_by in (SEALED, "json")  # the second: of before there were digests
