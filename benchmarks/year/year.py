"""The year itself, in a process whose clock is moved, and in the folder of its project."""

import signal
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.clone import commit
from benchmarks.year.arrivals import Arrivals
from benchmarks.year.weeks import MODEL, RECIPE, Week, run_week, typed

WARM: dict[str, dict[str, Any]] = {
    "teacher": {
        "init": {"kind": "champion", "fresh_every": 13},
        "training": {"warm": {"epochs": 5, "learning_rate": 0.001}},
    },
    "student": {
        "init": {"kind": "champion", "fresh_every": 13, "focal": 1.0},
        "training": {"warm": {"epochs": 8, "learning_rate": 0.003}},
    },
}
"""what a recipe has besides where releases begin with the champion: a fifth of the epochs at a third of the rate, and
one release in a quarter of a year from nothing"""
COUNTS, PICTURE = "counts.txt", "year.svg"
QUICK: dict[str, Any] = {
    "teacher": {
        "architecture": {"kind": "cnn", "channels": [32, 64]},
        "training": {"epochs": 25, "batch_size": 32, "learning_rate": 0.003},
    },
    "student": {
        "architecture": {"kind": "mlp", "hidden": [24]},
        "training": {"epochs": 40, "batch_size": 32, "learning_rate": 0.01},
    },
    "compress": {"target": {"isa": "x86-vnni", "threads": 1}, "candidates": ["fp32"]},
    "evaluate": {"resamples": 500, "latency": {"warmup": 2, "repeats": 10}},
    "promote": {
        "staging": {"approval": "automatic", "quality": {"accuracy": 0.9}},
        "edge": {"approval": "manual", "requires": "staging", "minimum_hours": 24, "quality": {"accuracy": 0.9}},
    },
}


def live(weeks: int, split: str, warm: bool) -> int:
    """Lets the weeks go by, prints a line for each, and what was right and wrong at the end.

    Args:
        weeks: how many; SIGINT ends them after the one that goes on.
        split: `hashed` or `stratified`.
        warm: whether a release begins with the champion.

    Returns:
        1 if anything was wrong.
    """
    from infra.services.prefect_server import start_prefect_api
    from tasks.core.environment import prepare_environment

    root, arrivals = Path.cwd(), Arrivals(Path("pictures"))
    first = _next_monday()
    prepare_environment()
    start_prefect_api()()
    lived, enough = list[Week](), list[int]()
    signal.signal(signal.SIGINT, lambda number, _: enough.append(number))
    for week in range(1, weeks + 1):
        if week == 1:
            _write_recipe(root, arrivals, split, warm)
        lived.append(run_week(root, arrivals, week, first + timedelta(days=7 * (week - 1))))
        _say(lived[-1])
        if enough:
            break
    return _conclude(lived, arrivals)


def _next_monday() -> datetime:
    """Returns two o'clock on the next Monday, in UTC."""
    now = datetime.now(UTC)
    return now.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=7 - now.weekday())


def _write_recipe(root: Path, arrivals: Arrivals, split: str, warm: bool) -> None:
    """Lets `stillhouse init` write the recipe, then changes in it what a person would, and makes it quick."""
    arrivals.begin()
    code, said = typed("init", MODEL, "--images", str(arrivals.folder))
    assert code == 0, said
    yaml, path = YAML(), root / RECIPE
    recipe = yaml.load(path)
    recipe["data"]["split"]["kind"] = split
    recipe["data"]["classes"] = [f"digit-{number}" for number in range(10)]
    recipe["data"]["arrivals"]["bad"] = "quarantine"
    recipe.update(deepcopy(QUICK))
    for name, asked in WARM.items() if warm else ():
        recipe[name]["init"] = asked["init"]
        recipe[name]["training"] |= asked["training"]
    with path.open("w", encoding="utf-8") as text:
        yaml.dump(recipe, text)
    commit(root, "The recipe")


def _say(week: Week) -> None:
    accuracy = ", ".join(f"{name} {value:.3f}" for name, value in week.accuracy.items())
    parts = [f"week {week.week:>2} {week.arrived}: {week.outcome}", f"{week.samples} samples", accuracy, week.edge]
    parts += [f"newly wrong {100 * week.newly_wrong:.2f} %"] if week.newly_wrong is not None else []
    parts += [f"student began {week.began}"] if week.began else []
    parts += [f"{week.trained_on} test samples known to the champion before"] if week.trained_on else []
    parts += [f"state {week.state_bytes / 1e6:.1f} MB, data {week.data_bytes / 1e6:.1f} MB"]
    parts += [week.said] if week.outcome in ("stopped", "refused") else []
    sys.stdout.write("; ".join(part for part in parts if part) + "\n")
    sys.stdout.flush()


def _conclude(lived: list[Week], arrivals: Arrivals) -> int:
    from benchmarks.year.checks import counts, wrong_at_the_end
    from benchmarks.year.picture import draw_year

    wrong = wrong_at_the_end(lived, arrivals)
    said = counts(lived, arrivals)
    sys.stdout.write(f"{said}\n{len(wrong)} things wrong\n")
    sys.stdout.writelines(f"  {line}\n" for line in wrong)
    Path("..", PICTURE).write_bytes(draw_year(lived))
    Path("..", COUNTS).write_text(f"{said}\n")
    return int(bool(wrong))
