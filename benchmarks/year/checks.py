"""What must be right at the end of the year, whatever it brought."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.year.arrivals import Arrivals
from benchmarks.year.disk import size_of
from benchmarks.year.weeks import MODEL, MONTH, Week, typed

DONE = ("released", "refused")
EXPECTED = {"empty": ("nothing to do",), "broken": ("stopped",), "mislabelled": ("refused",)}
ARTIFACTS = Path(".stillhouse/artifacts")
DIRECTLY = rf"{MODEL} version (\d+), of teacher version \d+, by its (?!beginning)"
"""a release that data reached itself, and not through the weights that it began with"""
GROWTH, LARGEST = 1_000_000, 1_000_000
"""bytes: by which the state may grow per week, databases and events, and for which a kept version may stand"""


def wrong_at_the_end(lived: Sequence[Week], arrivals: Arrivals) -> list[str]:
    """Returns in words everything that is not as it should be."""
    looks = (_outcomes, _audit, _ledger, _registry, _versions, _edge, _reach, _quarantine, _gates, _disk, _prefect)
    wrong = [line for look in looks for line in look(lived)]
    last = [week for week in lived if week.outcome in DONE][-1]
    return wrong + _unequal("in quarantine at the end", dict(arrivals.injected), _in_kinds(last.quarantined))


def counts(lived: Sequence[Week], arrivals: Arrivals) -> str:
    """Returns in a line what the year brought."""
    outcomes = Counter(week.outcome for week in lived)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    last = [week for week in lived if week.outcome in DONE][-1]
    edge = sum(week.edge.count("moved") for week in lived)
    tidied = sum(week.removed_bytes for week in lived) / 1e6
    return (
        f"{len(lived)} weeks: {told}; {edge} versions came to the edge; {last.samples:,} samples at the end,"
        f" {sum(last.quarantined.values())} in quarantine ({sum(arrivals.injected.values())} came);"
        f" state {lived[-1].state_bytes / 1e6:.0f} MB, of which {size_of(ARTIFACTS) / 1e6:.0f} MB files of models and"
        f" runs; without gc {tidied + lived[-1].state_bytes / 1e6:.0f} MB;"
        f" DVC's cache and remote {lived[-1].data_bytes / 1e6:.0f} MB; at most"
        f" {max(week.trained_on for week in lived)} test samples that the champion had been trained on"
    )


def _unequal(what: str, expected: object, got: object) -> list[str]:
    return [] if expected == got else [f"{what}: expected {expected}, got {got}"]


def _outcomes(lived: Sequence[Week]) -> Iterator[str]:
    for week in lived:
        expected = EXPECTED.get(week.arrived, DONE)
        if week.outcome not in expected:
            yield f"week {week.week}, {week.arrived}: expected {' or '.join(expected)}, got {week.outcome}: {week.said}"
        if week.outcome == "stopped" and "data.arrivals.at_most" not in week.said:
            yield f"week {week.week}: stopped, but not by the share of bad samples: {week.said}"


def _audit(_: Sequence[Week]) -> Iterator[str]:
    code, said = typed("audit")
    if code:
        yield f"audit: {said}"
    channel = typed("channel", "status")[1]
    if "refused by devices" in channel or "expired" in channel:
        yield f"channel: {channel}"


def _ledger(lived: Sequence[Week]) -> Iterator[str]:
    """Yields where there is not one row per decision, or per week that had nothing to do."""
    from tasks.registry.ledger.checks import checks
    from tasks.registry.ledger.history import History

    outcomes = Counter(week.outcome for week in lived)
    events = Counter(row.event for row in History.load(MODEL).of(MODEL, "staging"))
    expected = {"intended": outcomes["released"], "promoted": outcomes["released"], "refused": outcomes["refused"]}
    yield from _unequal("decisions about staging", {k: v for k, v in expected.items() if v}, dict(events))
    yield from _unequal("weeks with nothing to do", outcomes["nothing to do"], len(checks(MODEL)))
    at_edge = Counter(row.event for row in History.load(MODEL).of(MODEL, "edge"))
    shown = [week for week in lived if week.edge and "nobody" not in week.edge]
    yield from _unequal("approvals", len(shown), at_edge["approved"])
    yield from _unequal("promotions to the edge", sum(w.edge.count("moved") for w in shown), at_edge["promoted"])
    yield from _unequal("refusals of the edge", sum(w.edge.count("refused") for w in shown), at_edge["refused"])


def _registry(lived: Sequence[Week]) -> Iterator[str]:
    from tasks.registry.ledger import entries as ledger
    from tasks.registry.ledger.history import History
    from tasks.registry.versions import versions_of

    made = {release.version for release in ledger.releases()}
    kept = made - {version for _, version in History.load(MODEL).removals()}
    yield from _unequal("versions in the ledger", {w.version for w in lived if w.version}, made)
    yield from _unequal("versions in MLflow", kept, {*versions_of(MODEL)})


def _versions(_: Sequence[Week]) -> Iterator[str]:
    from tasks.registry.versions import versions_of

    for version in sorted(versions_of(MODEL)):
        code, said = typed("lineage", "--model", MODEL, "--version", str(version), "--verify")
        if code:
            yield f"lineage --verify of version {version}: {said}"


def _edge(lived: Sequence[Week]) -> Iterator[str]:
    """Yields where the model on the edge is not said to be made of the data of its week."""
    from tasks.registry.ledger.history import History

    version = History.load(MODEL).champion(MODEL, "edge")
    if version is None:
        yield "edge: nobody leads it"
        return
    said = typed("lineage", "edge", "--json")[1]
    week = next(week for week in lived if week.version == version)
    if week.data not in said:
        yield f"lineage of the edge: expected data {week.data}, got {said[:500]}"


def _reach(lived: Sequence[Week]) -> Iterator[str]:
    """Yields where the data of a week is not said to have reached the one release that was made of it."""
    for week in [week for week in lived if week.version][:3]:
        said = typed("lineage", "--data", week.data)[1]
        found = [
            int(version)
            for version in re.findall(rf"{MODEL} version (\d+), of teacher version \d+, by its (?!beginning)", said)
        ]
        same = [other.version for other in lived if other.data == week.data]
        yield from _unequal(f"releases reached by the data of week {week.week}", same, found)


def _in_kinds(quarantined: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(quarantined.items()) if count}


def _quarantine(_: Sequence[Week]) -> Iterator[str]:
    """Yields where the file of the prepared data does not name as many samples as its card counts."""
    from flows.run import load
    from tasks.data.versions.versioning import data_folder, recorded_data

    data = recorded_data(data_folder(*load(Path(f"params/{MODEL}.yaml"), [])), MODEL)
    listed = json.loads(Path(f"data/{MODEL}/prepared/quarantine.json").read_text()) if data and data.quarantined else []
    yield from _unequal("named in quarantine", sum(data.quarantined.values()) if data else 0, len(listed))


def _gates(_: Sequence[Week]) -> Iterator[str]:
    """Yields each champion that a gate let in although a limit broke or the one before was better beyond doubt."""
    from tasks.contracts.releases import Verdict
    from tasks.registry.ledger.history import History

    for row in History.load(MODEL).decisions:
        if row.event == "promoted":
            verdict = Verdict.model_validate_json(row.verdict)
            doubt = verdict.challenge is None or verdict.challenge.gains["accuracy"].high >= 0
            if not verdict.passed or not doubt:
                yield f"version {row.version} came to {row.environment} though its verdict is {verdict.broken}"


def _disk(lived: Sequence[Week]) -> Iterator[str]:
    """Yields where the state grows by more than rows of databases, or files of models that are no more stay."""
    from tasks.registry.versions import versions_of

    tidy = [week for week in lived if week.week % MONTH == 0]
    if len(tidy) > 1:
        grown = (tidy[-1].state_bytes - tidy[0].state_bytes) / (tidy[-1].week - tidy[0].week)
        yield from [f"state: expected at most {GROWTH:,} bytes more a week, got {grown:,.0f}"] if grown > GROWTH else []
    most, held = LARGEST * (len(versions_of(MODEL)) + MONTH), size_of(ARTIFACTS)
    yield from [f"artifacts: expected at most {most:,} bytes, got {held:,}"] if held > most else []


def _prefect(lived: Sequence[Week]) -> Iterator[str]:
    """Yields where weeks with nothing to do left a retrain in Prefect, or others did not."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowFilter

    def runs(flow: str) -> int:
        found = FlowFilter.model_validate({"name": {"any_": [flow]}})
        with get_client(sync_client=True) as client:
            return sum(len(client.read_flow_runs(flow_filter=found, offset=start)) for start in (0, 200, 400))

    yield from _unequal("ticks in Prefect", len(lived), runs("retrain if changed"))
    busy = sum(week.outcome != "nothing to do" for week in lived)
    yield from _unequal("retrains in Prefect", busy, runs("retrain"))
