"""Records of a release as a run leaves them, with every optional field filled."""

from datetime import UTC, datetime
from typing import Any

from params.compress import Target
from params.models import Cnn
from tasks.contracts.ancestors import Ancestor
from tasks.contracts.metrics import Check, Interval
from tasks.contracts.records import DataRecord, InputSpec, ModelRecord
from tasks.contracts.releases import Lead, Release, Verdict
from tasks.contracts.scores import (
    BatchTiming,
    Challenge,
    ConstantScore,
    Discordant,
    EvaluationRecord,
    FlippedSample,
    Flips,
    Footprint,
    Heading,
    Machine,
    Score,
    SliceFlips,
    SliceScore,
    Table,
)
from tasks.contracts.targets import Column, TargetCard
from tasks.core.record import Artefact
from tasks.evaluate.report.report import Report

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CLASSES = ("oak", "pine", "willow")
SPEC = InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8))
CANDIDATES = ("fp32", "static_int8", "prune-static_int8", "low_rank-mixed_int8", "fp16", "dynamic_int8")
SHIPS = "static_int8"
SHA = {name: f"{place:x}" * 64 for place, name in enumerate(("onnx", "teacher", "student", "data", "print"), 1)}


def interval(value: float, reach: float = 0.0123) -> Interval:
    return Interval(value=value, low=value - reach, high=value + reach)


def score(name: str, accuracy: float, place: int, **changes: Any) -> Score:
    """Every number of every model is another one, so that a table with one in the wrong place is found."""
    whole = {
        "name": name,
        "metrics": {
            "accuracy": interval(accuracy),
            "right/bark": interval(0.7 + place / 100),
            "macro_recall": interval(accuracy),
            "macro_f1": interval(accuracy - 0.0031, 0.0211),
            **{f"recall/{label}": interval(0.9 - 0.1 * n) for n, label in enumerate(CLASSES)},
            "calibration_error": interval(0.0211 + place / 1000, 0.001),
            "loss": interval(0.31 + place / 100),
        },
        "support": {label: 100 + n for n, label in enumerate(CLASSES)},
        "agreement": interval(accuracy - 0.0177, 0.0305),
        "parameters": 1_111 + 1_000 * place,
        "size": 44_321 + 10_000 * place,
        "p50_ms": 0.1 + 0.011 * place,
        "p95_ms": 0.2 + 0.013 * place,
        "p99_ms": 0.3 + 0.017 * place,
        "parity": 1e-6 * (place + 1),
        "slices": tuple(
            SliceScore(
                column="site",
                value=site,
                samples=50 + n,
                metrics={"accuracy": interval(accuracy - 0.02 * n, 0.04)},
            )
            for n, site in enumerate(("north", "south"))
        ),
        "batch": BatchTiming(batch_size=32, p50_ms=3.03 + 0.21 * place),
        "footprint": Footprint(load_ms=5.05 + 0.31 * place, peak_bytes=60_000_000 + 1_000_000 * place),
    }
    return Score.model_validate(whole | changes)


def scores() -> tuple[Score, ...]:
    roles = (
        score("teacher", 0.9661, 20, size=1_234_567, p50_ms=2.5),
        score("baseline", 0.9112, 1),
        score("student", 0.9223, 2),
    )
    return (*roles, *(score(name, 0.93 - 0.0041 * place, 3 + place) for place, name in enumerate(CANDIDATES)))


def artefact(name: str, sha256: str = "0" * 64, size: int = 54_321) -> Artefact:
    return Artefact(uri=f"file:///somewhere/secret/{name}", sha256=sha256, size=size)


def model(role: str, **changes: Any) -> ModelRecord:
    whole = {
        "role": role,
        "architecture": Cnn(kind="cnn", channels=(4,)),
        "input": SPEC,
        "task": "classification",
        "targets": TargetCard(names=CLASSES),
        "weights": artefact("weights.safetensors", SHA[role]),
        "parameters": 1_111,
        "data_version": "data-v7",
        "validation": {},
        "run_id": f"run-of-{role}",
        "created": NOW,
    }
    return ModelRecord.model_validate(whole | changes)


def data(**changes: Any) -> DataRecord:
    whole = {
        "name": "trees",
        "version": "data-v7",
        "card_sha256": SHA["data"],
        "directory": "/somewhere/secret",
        "task": "classification",
        "input": SPEC,
        "columns": [Column(name=name, dtype="int64") for name in ("label", "bark")],
        "targets": TargetCard(names=CLASSES, facts={"heads": {"bark": ["smooth", "rough"]}}),
        "preprocessing": {"kind": "arrays"},
        "samples": {"train": 8_000, "validation": 1_000, "test": 1_500},
        "dropped": {"duplicate": 31, "missing value": 4},
        "quarantined": {"corrupt": 2},
        "licence": "CC BY 4.0 (Hazel 2020)",
    }
    return DataRecord.model_validate(whole | changes)


def evaluation(**changes: Any) -> EvaluationRecord:
    whole = {
        "name": "trees",
        "data": data(),
        "teacher": model("teacher"),
        "student": model("student", warnings=("the student is slow to learn",)),
        "scores": scores(),
        "chosen": SHIPS,
        "reason": f"`{SHIPS}` ships because it is the fastest (0.0213 ms) of the 3 candidates that keep every limit.",
        "machine": Machine(processor="Board A72", cores=4, threads=1, load_before=0.31, load_after=0.72, others=0.04),
        "onnx": artefact("model.onnx", SHA["onnx"]),
        "gains": {"accuracy": Interval(value=0.0111, low=0.0021, high=0.0201)},
        "tables": (of_classes(),),
        "constant": constant(),
        "target": Target(),
        "tolerance": 5e-2,
        "notes": ("latency was measured elsewhere",),
        "run_id": "run-of-evaluation",
        "created": NOW,
    }
    return EvaluationRecord.model_validate(whole | changes)


def constant(**changes: Any) -> ConstantScore:
    metrics = {"accuracy": interval(0.3771), "macro_f1": interval(0.1826), "loss": interval(1.0955)}
    gains = {"accuracy": interval(0.5452)}
    whole = {"words": "always answering pine", "metrics": metrics, "gains": gains}
    return ConstantScore.model_validate(whole | changes)


def discordant(**changes: Any) -> Discordant:
    return Discordant.model_validate({"only_challenger": 31, "only_champion": 20, "p_value": 0.1608} | changes)


def flips(**changes: Any) -> Flips:
    rates = {"newly_wrong": interval(0.009), "newly_right": interval(0.0139)}
    piece = SliceFlips(column="label", value="willow", samples=120, **rates | {"newly_wrong": interval(0.05)})
    broken = tuple(
        FlippedSample(name=name, before="willow 97 %", now=f"pine {n} %")
        for n, name in enumerate(("a.png", "b.png"), 51)
    )
    repaired = (FlippedSample(name="c.png", before="oak 60 %", now="pine 88 %"),)
    whole = {"unit": "samples", "slices": (piece,), "broken": broken, "repaired": repaired, **rates}
    return Flips.model_validate(whole | changes)


def of_classes(*names: str) -> Table:
    """A table of its own, as the kind of task gives it."""
    head = (Heading(title="class"), Heading(title="recall", unit="percent"), Heading(title="samples", unit="count"))
    rows = tuple((name, 0.7 + 0.1 * n, 1_002 - n) for n, name in enumerate(names or CLASSES[::-1]))
    return Table(title="Each class, lowest recall first", head=head, rows=rows)


def challenge(environment: str = "staging", version: int = 2, **changes: Any) -> Challenge:
    whole = {
        "environment": environment,
        "version": version,
        "champion": score("fp32", 0.9187, 11),
        "challenger": score(SHIPS, 0.9259, 4),
        "gains": {"accuracy": Interval(value=0.0072, low=-0.0011, high=0.0155)},
        "discordant": discordant(),
        "flips": flips(),
    }
    return Challenge.model_validate(whole | changes)


def verdicts() -> tuple[Verdict, ...]:
    fine = Check(limit="quality.accuracy", op=">=", threshold=0.9, value=0.9259)
    broken = Check(limit="quality.recall.worst", op=">=", threshold=0.8, value=0.7, where="class willow")
    required = Lead(environment="staging", leads=False)
    return (
        Verdict(environment="staging", checks=(fine,)),
        Verdict(environment="edge", checks=(fine, broken), requires=required, challenge=challenge("edge", 1)),
    )


def release() -> Release:
    return Release(
        model="trees",
        version=3,
        fingerprint=SHA["print"],
        bundle=(artefact("labels.json", "a" * 64, 31), artefact("model.onnx", SHA["onnx"])),
        teacher_version=5,
        data_version="data-v7",
        git_commit="c0ffee",
        run_id="run-of-release",
        created=NOW,
    )


def ancestors() -> tuple[Ancestor, ...]:
    """As the lineage of a release that leads in staging comes: what was made last first."""
    run = {"run": "5e" * 16}
    return (
        Ancestor("gate", {"environment": "staging", "evidence": "e" * 64}),
        Ancestor("release", {"model": "trees", "version": "3", "fingerprint": SHA["print"], **run}),
        Ancestor("artefact", {"candidate": SHIPS, "sha256": SHA["onnx"], "bytes": "54,321"}),
        Ancestor("student", {"architecture": "cnn", "weights": SHA["student"], **run}),
        Ancestor("soft labels", {"of teacher": "7" * 64, "views kept": "2", "keys": f"{'8' * 32} {'9' * 32}"}),
        Ancestor("teacher", {"version": "5", "architecture": "efficientnet_lite", "weights": SHA["teacher"], **run}),
        Ancestor("data", {"name": "trees", "version": f"{'da' * 16}.dir"}),
        Ancestor("raw data", {"folder": "data/trees/raw", "md5": f"{'ab' * 16}.dir", "source": "kind folder"}),
        Ancestor("recipe", {"digest": "cd" * 32, "fields": "104"}),
        Ancestor("code", {"git commit": f"{'f0' * 20}-dirty", "Stillhouse": "0.2.0", "requirements.lock": "1d" * 32}),
    )


def report(**changes: Any) -> Report:
    whole: dict[str, Any] = {
        "evaluation": evaluation(),
        "release": release(),
        "verdicts": verdicts(),
        "challenges": (challenge(),),
        "decided": (NOW, NOW),
        "ancestors": ancestors(),
    }
    return Report(**(whole | changes))
