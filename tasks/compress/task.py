"""The door of the compression room."""

from datetime import UTC, datetime

from params.compress import Compress
from params.distill import Distill
from params.student import Student
from tasks.compress.compress import Compressed, compress
from tasks.compress.context import CompressionContext
from tasks.compress.recovery import Recoverer
from tasks.contracts.metrics import GROUP
from tasks.contracts.records import Candidate, CandidatesRecord, DataRecord, ModelRecord, TeacherRecord
from tasks.core.fingerprint import EXPORTING
from tasks.core.record import Artefact
from tasks.distill.teachers.load_teachers import open_teachers
from tasks.models.weights import load_model, save_weights
from tasks.tracking.runs import StageRun, fetch
from tasks.tracking.task import advance_of, stage
from tasks.training.network import PreparedData

TITLE = "compress"


def _summary(record: CandidatesRecord) -> str:
    ships, count = record.winner, len(record.candidates)
    told = f"{ships.name} ships, {ships.onnx.size:,} bytes, {ships.p50_ms:.3f} ms; {count} candidates"
    tried = [f"tried {c.name} {c.onnx.size:,} bytes {c.p50_ms:.3f} ms" for c in record.candidates]
    noted = dict.fromkeys(note for candidate in record.candidates for note in candidate.notes)
    left_out = [f"left out {name}: {why}" for name, why in record.refused.items()]
    return "\n".join(["; ".join([told, *noted]), *tried, *left_out])


@stage(TITLE, EXPORTING, _summary)
def compress_student(
    run: StageRun,
    compression: Compress,
    how: Student,
    distillation: Distill,
    teachers: tuple[TeacherRecord, ...],
    student: ModelRecord,
    data: DataRecord,
    seed: int,
) -> CandidatesRecord:
    """Makes every candidate of the recipe, measures them on validation data, and chooses the one that ships.

    `how`, `distillation` and `teachers` are those of the student: what loses quality recovers in the same way.
    """
    prepared = PreparedData.open(data)
    network = load_model(student, fetch(student.weights), prepared.card.statistics)
    loaded = open_teachers(teachers, prepared, data.digest)
    recover = Recoverer(how.training, distillation, loaded, prepared, seed, run.metrics)
    context = CompressionContext(compression, network, prepared, run.scratch, seed, recover)
    done = compress(context, advance_of(TITLE))
    run.uses(data)
    run.tags({f"refused.{name}": reason for name, reason in done.refused.items()})
    return CandidatesRecord(
        candidates=tuple(_kept(run, done, candidate) for candidate in done.candidates),
        chosen=done.chosen,
        reason=done.reason,
        refused=done.refused,
        run_id=run.id,
        created=datetime.now(UTC),
    )


def _kept(run: StageRun, done: Compressed, candidate: Candidate) -> Candidate:
    """Uploads the file of a candidate, and its weights where they are others than the student's; logs its numbers."""
    built = done.built[candidate.name]
    plain = {name: value for name, value in candidate.metrics.items() if GROUP not in name}
    numbers = plain | {"p50_ms": candidate.p50_ms, "p95_ms": candidate.p95_ms}
    numbers |= {"parity": candidate.parity, "bytes": float(candidate.onnx.size)}
    run.metrics(0, {f"{candidate.name}.{name}": value for name, value in numbers.items()})
    kept: dict[str, Artefact] = {"onnx": run.keep(built.path)}
    if built.changed:
        path = built.path.with_suffix(".safetensors")
        save_weights(built.network, path)
        kept["weights"] = run.keep(path)
    return candidate.model_copy(update=kept)
