"""The door of the compression room."""

from datetime import UTC, datetime

from params.compress import Compress
from tasks.compress.bench import Bench
from tasks.compress.compress import compress
from tasks.fingerprint import EXPORTING
from tasks.models.weights import load_model
from tasks.records import Candidate, CandidatesRecord, DataRecord, ModelRecord
from tasks.task import advance_of, stage
from tasks.tracking import StageRun, fetch
from tasks.training.network import PreparedData

TITLE = "compress"


def _summary(record: CandidatesRecord) -> str:
    tried = ", ".join(f"{c.name} {c.onnx.size:,} bytes {c.p50_ms:.3f} ms" for c in record.candidates)
    return f"{record.chosen} ships; tried {tried}"


@stage("compress", TITLE, EXPORTING, _summary)
def compress_student(
    run: StageRun, compression: Compress, student: ModelRecord, data: DataRecord, seed: int
) -> CandidatesRecord:
    """Makes every candidate of the recipe, measures them on validation data, and chooses the one that ships."""
    prepared = PreparedData.open(data)
    network = load_model(student, fetch(student.weights), prepared.card.statistics)
    bench = Bench(
        compression,
        network,
        data.input,
        prepared.kind,
        prepared.splits.train,
        prepared.splits.validation,
        run.scratch,
        seed,
    )
    made = compress(bench, advance_of(TITLE))
    run.uses(data)
    run.tags({f"refused.{name}": reason for name, reason in made.refused.items()})
    candidates = tuple(_kept(run, candidate) for candidate in made.candidates)
    return CandidatesRecord(candidates=candidates, chosen=made.chosen, run_id=run.id, created=datetime.now(UTC))


def _kept(run: StageRun, candidate: Candidate) -> Candidate:
    """Uploads a candidate's file and logs what was measured of it."""
    numbers = {"accuracy": candidate.accuracy, "p50_ms": candidate.p50_ms, "p95_ms": candidate.p95_ms}
    numbers |= {"parity": candidate.parity, "bytes": float(candidate.onnx.size)}
    run.metrics(0, {f"{candidate.name}.{name}": value for name, value in numbers.items()})
    return candidate.model_copy(update={"onnx": run.keep(run.scratch / f"{candidate.name}.onnx")})
