"""What MLflow's own pages show of a run beside its numbers: who, from where, and which kind of work it is."""

import getpass

from tasks.core.workspace import git_commit, git_remote, product_version, project_root

NOTE = "mlflow.note.content"
"""in Markdown"""
TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""on an experiment: without it, MLflow opens its page for language models"""
_INHERITED = ("mlflow.user", "mlflow.source.")


def source_tags(recipe: str) -> dict[str, str]:
    """Returns who runs a recipe, and where recipe and code come from."""
    root = project_root()
    commit, remote = git_commit(root), git_remote(root)
    return {
        "mlflow.user": getpass.getuser(),
        "mlflow.source.type": "PROJECT",
        "mlflow.source.name": f"params/{recipe}.yaml",
        "git_commit": commit,
        "stillhouse_version": product_version(),
        **({} if commit == "none" else {"mlflow.source.git.commit": commit.removesuffix("-dirty")}),
        **({"mlflow.source.git.repoURL": remote} if remote else {}),
    }


def inherited(tags: dict[str, str]) -> dict[str, str]:
    """Returns the tags of a run that the runs below it have, too."""
    return {name: value for name, value in tags.items() if name.startswith(_INHERITED)}
