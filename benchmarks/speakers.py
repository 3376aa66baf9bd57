"""Each speaker left out of training in turn: teacher, student alone and student distilled, whole runs of a recipe.

    python -m benchmarks.speakers [--recipe spoken-digits] [--write]

Each speaker is the test part once; who chooses stays the same, but for the run in which that one is tested. The last
row is the split that the authors of the data publish, in which all speakers are in both parts. What ran before is
reused, as in every run. The interval of a row is over its test clips, that of the mean is Student's t over the
speakers, of the paired difference within each.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.distillation import row_of
from benchmarks.page import replace_table
from infra.services.prefect_server import start_prefect_api
from params.pipeline import Recipe
from tasks.contracts.scores import EvaluationRecord
from tasks.core.environment import prepare_environment
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
CHOOSES, IN_ITS_PLACE = "jackson", "theo"
OFFICIAL = ("data.split={kind: official}", "data.reader.test=_[0-4][.]wav$")
NO_GATES = ("promote={staging: {approval: manual}, edge: {approval: manual}}",)
ROLES = {"teacher": "teacher", "student alone": "baseline", "student distilled": "student"}


def main(arguments: Sequence[str]) -> None:
    """Runs the recipe once per speaker, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="spoken-digits")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    prepare_environment()
    start_prefect_api()()
    found = {speaker: _evaluated(asked.recipe, _left_out(speaker)) for speaker in SPEAKERS}
    table = _table(asked.recipe, found, _evaluated(asked.recipe, OFFICIAL))
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table(f"bench-speakers-{asked.recipe}", table)


def _left_out(speaker: str) -> tuple[str, ...]:
    chooses = IN_ITS_PLACE if speaker == CHOOSES else CHOOSES
    return f"data.split.test=[{speaker}]", f"data.split.validation=[{chooses}]"


def _evaluated(name: str, overrides: Sequence[str]) -> EvaluationRecord:
    from flows.retrain import retrain

    recipe: Recipe = load_recipe(project_root() / "params" / f"{name}.yaml", (*overrides, *NO_GATES))
    return retrain(recipe).evaluation


def _table(recipe: str, found: dict[str, EvaluationRecord], official: EvaluationRecord) -> str:
    rows = [_row(speaker, one) for speaker, one in found.items()]
    columns = {title: np.array([_accuracy(one, role) for one in found.values()]) for title, role in ROLES.items()}
    means = " | ".join(f"{100 * values.mean():.1f}" for values in columns.values())
    gains = columns["student distilled"] - columns["student alone"]
    _, told, between, _ = (part.strip() for part in row_of("", gains, "+").split("|")[1:])
    return "\n".join(
        [
            f"| `{recipe}`, speaker left out | {' | '.join(ROLES)} | distilled minus alone |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            f"| mean | {means} | {told.removesuffix(' %')} ({between}) |",
            _row("none: the published split", official),
        ]
    )


def _row(title: str, found: EvaluationRecord) -> str:
    accuracies = " | ".join(f"{100 * _accuracy(found, role):.1f}" for role in ROLES.values())
    gain = found.gains["accuracy"]
    return f"| {title} | {accuracies} | {100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}) |"


def _accuracy(found: EvaluationRecord, role: str) -> float:
    return found.score(role).metrics["accuracy"].value


if __name__ == "__main__":
    main(sys.argv[1:])
