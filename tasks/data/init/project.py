"""A project of one's own: the files that `stillhouse new` writes, in an empty folder under git."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import params
from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import MARKER
from tasks.kinds.recipe_schema import FILE, schema_text

EXAMPLE = "digits"
FIRST_COMMIT = "A project of Stillhouse's, with one example"
IDENTITY = ("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
"""asks git for a person's name and address, and takes no guess"""
RECIPES = """\
# The data stages, and only those: DVC owns data and its versions (the md5 under `outs` in dvc.lock).
# `stillhouse run` reproduces and pushes them. By hand, after `python -m tasks.data code NAME`, it is
# `dvc repro --no-run-cache prepare@NAME`: that writes `data/NAME/code`, the digests of the code that shapes the data.
# DVC's run cache does not look at what is called `size`, as the size of pictures is, and would take that of another.
vars:
  # Recipe -> what its data comes from: the folder or file in `data.source.path`, watched for new data; where the source
  # is pinned, the digest of the code that fetches it. `stillhouse run` and `init` write these entries.
  - recipes:
"""
STAGES = """\

stages:
  fetch:
    foreach: ${recipes}
    do:
      cmd: python -m tasks.data fetch ${key}
      deps:
        - ${item.source}
        - data/${key}/code/fetch.json
      params:
        - params/${key}.yaml: [data.source]
      outs:
        - data/${key}/raw
  prepare:
    foreach: ${recipes}
    do:
      cmd: python -m tasks.data prepare ${key}
      deps:
        - data/${key}/raw
        - data/${key}/code/prepare.json
      params:
        - params/${key}.yaml: [data]
      outs:
        - data/${key}/prepared
"""
ENTRY = f"      {EXAMPLE}: {{source: data/{EXAMPLE}/code/source.json}}\n"
README = """\
# {name}

Models that Stillhouse distills, and the recipes that say how.

```
stillhouse run params/digits.yaml                   # an example: handwritten digits, two minutes
stillhouse init parts --images photos/parts         # a recipe for pictures of your own; --table for a table
stillhouse run params/parts.yaml
stillhouse ui                                       # runs in MLflow, flows in Prefect
```

`params/` holds the recipes, `dvc.yaml` and `dvc.lock` the versions of their data: commit all of them. `data/` and
`.stillhouse/` are made by runs and are not committed. `stillhouse --help` lists the commands.
"""
FILES = {
    MARKER: RECIPES + ENTRY + STAGES,
    ".gitignore": "# What Stillhouse makes: state, and prepared data, which DVC versions.\n/.stillhouse/\n/data/\n",
    ".dvcignore": "# Not part of anyone's data.\n/.stillhouse/\n.DS_Store\nThumbs.db\ndesktop.ini\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": """\
[core]
    # No usage statistics, no question for a newer version, no `git add` behind one's back.
    analytics = false
    check_update = false
    autostage = false
    remote = local
# A team puts its bucket here: `dvc remote add --default shared s3://...`.
['remote "local"']
    url = ../.stillhouse/dvc-remote
""",
}


@dataclass(frozen=True)
class NewProject:
    """A project as it was made.

    Attributes:
        written: its files.
        uncommitted: why git has no commit of them; empty where it has.
    """

    written: tuple[Path, ...]
    uncommitted: str


def new_project(folder: Path) -> NewProject:
    """Writes a project with one example into a folder that is new or empty, and makes it a git repository.

    Raises:
        InputError: the folder is not empty, or there is no git.
    """
    if folder.exists() and (not folder.is_dir() or any(path.name != ".git" for path in folder.iterdir())):
        got = "a folder with files" if folder.is_dir() else "a file"
        raise InputError(mismatch(str(folder), "", "a new or empty folder", got, "choose another"))
    git = shutil.which("git")
    if git is None:
        do = "install it: DVC puts its versions beside git's"
        raise InputError(mismatch("git", "", "a program on PATH", "none", do))
    example = Path(str(params.__file__)).with_name(f"{EXAMPLE}.yaml").read_text(encoding="utf-8")
    texts = {
        **FILES,
        "README.md": README.format(name=folder.resolve().name),
        f"params/{EXAMPLE}.yaml": example,
        f"params/{FILE}": schema_text(),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run([git, "init", "-q", str(folder)], check=True)
    return NewProject(tuple(folder / name for name in texts), _commit(git, folder))


def _commit(git: str, folder: Path) -> str:
    """Makes the first commit, as the lineage of every model names one; returns why there is none."""
    for arguments in IDENTITY, ("add", "--all"), ("commit", "-q", "-m", FIRST_COMMIT):
        done = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            told = done.stderr.strip().splitlines()
            return "git knows no name and address of yours" if arguments == IDENTITY else (told or ["git refused"])[-1]
    return ""
