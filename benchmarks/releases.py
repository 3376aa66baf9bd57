"""What is a teacher worth over releases of one recipe that differ in their seeds? On the test split.

    python -m benchmarks.releases RECIPE [--metrics ap50 ap] [--versions 1 2 3]

    stillhouse run params/cells.yaml --set seed=1 --set teacher.seed=0      # makes one of them

Student and student alone of each release answer the test samples once more. All of them are resampled alike, and of
each resampled data set the means over the releases are taken. So the intervals are over test samples (or what is drawn
whole, such as identities), for these trainings; how far trainings differ is in the rows above.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from params.evaluate import Evaluate
from tasks.core.environment import prepare_environment
from tasks.core.workspace import project_root
from tasks.evaluate.intervals import Floats, Resampled, Tally, resample
from tasks.models.weights import load_model
from tasks.registry.ledger.entries import evaluation_of, release_of, releases
from tasks.tracking.runs import fetch
from tasks.training.arrays import open_split
from tasks.training.network import PreparedData

ALONE, STUDENT = "alone", "distilled"
TITLES = "| version | metric | alone | distilled | distilled minus alone |\n| --- | --- | --- | --- | --- |\n"
PARAMS = Evaluate(resamples=2000)
Key = tuple[int, str]


def main(arguments: Sequence[str]) -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--versions", nargs="+", type=int, help="default: all of the newest data")
    parser.add_argument("--metrics", nargs="+", help="default: the one that decides")
    asked = parser.parse_args(arguments)
    prepare_environment()
    versions = asked.versions or _of_newest_data(asked.recipe)
    data = PreparedData.open_folder(project_root() / "data" / asked.recipe / "prepared")
    found = _resampled(asked.recipe, versions, data)
    sys.stdout.write(TITLES)
    for metric in asked.metrics or [data.measuring.deciding.name]:
        for version in versions:
            sys.stdout.write(_row(str(version), metric, found[version, ALONE], found[version, STUDENT]))
        means = (_mean([found[version, which] for version in versions]) for which in (ALONE, STUDENT))
        sys.stdout.write(_row("mean", metric, *means))


def _of_newest_data(name: str) -> list[int]:
    rows = [release for release in releases() if release.model == name]
    if not rows:
        sys.exit(f"{name} has no release here: `stillhouse run params/{name}.yaml` makes one")
    return [release.version for release in rows if release.data_version == rows[-1].data_version]


def _resampled(name: str, versions: Sequence[int], data: PreparedData) -> Mapping[Key, Resampled]:
    split = open_split(data.directory, "test")
    evidence = {}
    for version in versions:
        release = release_of(name, version)
        if release is None:
            sys.exit(f"{name} has no version {version}")
        made = evaluation_of(release)
        for which, record in ((ALONE, made.baseline), (STUDENT, made.student)):
            if record is None:
                sys.exit(f"{name} version {version} was made without a student alone")
            network = load_model(record, fetch(record.weights), data.card.statistics)
            evidence[version, which] = data.measuring.seen_by(network, split).evidence
    tallies: dict[str, Tally] = {
        f"{version} {which}": partial(data.measuring.part.tally, found) for (version, which), found in evidence.items()
    }
    units = data.measuring.part.units(next(iter(evidence.values())))
    drawn = resample(tallies, len(split), PARAMS, 0, units)
    return {key: drawn[f"{key[0]} {key[1]}"] for key in evidence}


def _mean(several: Sequence[Resampled]) -> Resampled:
    names = several[0].values.keys()
    values = {name: float(np.mean([one.values[name] for one in several])) for name in names}
    drawn: dict[str, Floats] = {name: np.mean([one.drawn[name] for one in several], axis=0) for name in names}
    return Resampled(values, drawn)


def _row(title: str, metric: str, alone: Resampled, student: Resampled) -> str:
    gain = student.values[metric] - alone.values[metric]
    low, high = 100 * np.nanpercentile(student.drawn[metric] - alone.drawn[metric], (2.5, 97.5))
    told = f"{100 * gain:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"| {title} | {metric} | {_told(metric, alone)} | {_told(metric, student)} | {told} |\n"


def _told(metric: str, found: Resampled) -> str:
    low, high = 100 * np.nanpercentile(found.drawn[metric], (2.5, 97.5))
    return f"{100 * found.values[metric]:.1f} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main(sys.argv[1:])
