"""Do several processes that promote and roll back the same model at once ever see more than one champion, or none?

    python -m benchmarks.registry [--operations 500] [--processes 4]

Real processes on a real MLflow and ledger in a temporary folder. Afterwards the ledger is replayed: every move must
have begun at the champion of that moment, the chain must hold, and the aliases must agree with it. Then the same
processes register one fingerprint at once.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.contracts.releases import Release
from tasks.core.errors import InputError

MODEL, ENVIRONMENT, RELEASES = "contested", "staging", 5


@dataclass(frozen=True)
class Outcome:
    """How often each event is in the ledger, the versions of one fingerprint, and everything that was wrong."""

    events: Counter[str]
    versions: int
    wrong: tuple[str, ...]
    seconds: float


def main(arguments: Sequence[str]) -> None:
    """Runs the contest, or one contestant of it, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=500)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--contestant", type=int, help="used by the contest itself")
    asked = parser.parse_args(arguments)
    if asked.contestant is not None:
        _take_part(asked.contestant, asked.operations)
        return
    outcome = contest(asked.operations, asked.processes)
    told = ", ".join(f"{count} {event}" for event, count in sorted(outcome.events.items()))
    sys.stdout.write(
        f"{asked.operations} operations by {asked.processes} processes in {outcome.seconds:.0f} s: {told};"
        f" one fingerprint registered by all: {outcome.versions} version; {len(outcome.wrong)} things wrong\n"
    )
    sys.stdout.writelines(f"  {line}\n" for line in outcome.wrong)
    sys.exit(bool(outcome.wrong))


def contest(operations: int, processes: int) -> Outcome:
    """Returns what came of `operations` promotions and rollbacks in all."""
    with tempfile.TemporaryDirectory() as folder:
        state = {"STILLHOUSE_HOME": folder, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        for name in ("STILLHOUSE_LEDGER_URI", "MLFLOW_REGISTRY_URI", "STILLHOUSE_CHANNEL", "STILLHOUSE_CHANNEL_KEYS"):
            os.environ.pop(name, None)
        os.environ.update(state)
        _forget()
        for version in range(RELEASES):
            _registered(MODEL, str(version))
        started = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.registry", "--operations", str(operations // processes)]
        running = [
            subprocess.Popen([*command, "--contestant", str(place)], stderr=subprocess.PIPE, text=True)
            for place in range(processes)
        ]
        said = [process.communicate()[1] for process in running]
        seconds = time.perf_counter() - started
        failed = [f"process {place} said: {text.strip()}" for place, text in enumerate(said) if text.strip()]
        outcome = _outcome(failed, seconds)
        _forget()
        return outcome


def _forget() -> None:
    """Closes what this process has open of another state folder."""
    from tasks.registry.ledger import database
    from tasks.tracking import runs

    runs.client.cache_clear()
    database.engine.cache_clear()


def _take_part(seed: int, operations: int) -> None:
    """Promotes and rolls back at random, then registers the fingerprint that all register."""
    from tasks.contracts.releases import Verdict
    from tasks.registry.promotion import carry_out, roll_back

    draw, passed = random.Random(seed), Verdict(environment=ENVIRONMENT)
    for _ in range(operations):
        if draw.random() < 0.3:
            try:
                roll_back(MODEL, ENVIRONMENT, f"contestant {seed}")
            except InputError:  # nothing was there before: an answer, not a fault
                continue
        else:
            carry_out(_release(draw.randint(1, RELEASES)), passed, f"contestant {seed}")
    _registered("same", "one fingerprint")


def _outcome(failed: Sequence[str], seconds: float) -> Outcome:
    from tasks.registry.ledger.history import History
    from tasks.registry.promotion import audit
    from tasks.tracking.runs import client

    rows = History.load(MODEL).decisions
    versions = len(client().search_model_versions("name = 'same'"))
    wrong = [*failed, *map(str, audit(repair=False)), *replayed(rows)]
    wrong += [] if versions == 1 else [f"one fingerprint became {versions} versions"]
    return Outcome(Counter(row.event for row in rows), versions, tuple(wrong), seconds)


def replayed(rows: Sequence[Any]) -> list[str]:
    """Returns each move that did not begin at the champion of its moment, or that another one cut into."""
    from tasks.registry.ledger.history import DONE

    wrong, champion, intent = [], None, None
    for row in rows:
        event, version, previous = row.event, row.version, row.previous
        if previous != champion:
            wrong.append(f"{event} of version {version}: champion {champion}, but it saw {previous}")
        if event in DONE:
            wrong += [f"{event} of version {version} cut into that of {intent}"] if intent else []
            intent = version
        else:
            wrong += [] if intent == version else [f"{event} of version {version} without its intention"]
            champion, intent = version, None
    return wrong


def _registered(model: str, fingerprint: str) -> int:
    from tasks.registry.versions import ensure_version
    from tasks.tracking.runs import client

    experiment = client().get_experiment_by_name("Default")
    assert experiment is not None
    run = client().create_run(experiment.experiment_id)
    return ensure_version(model, fingerprint, f"{run.info.artifact_uri}/bundle", run.info.run_id, {})


def _release(version: int) -> Release:
    return Release(
        model=MODEL,
        version=version,
        fingerprint=str(version),
        bundle=(),
        teacher_version=1,
        data_version="none",
        git_commit="none",
        run_id="none",
        created=datetime.now(UTC),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
