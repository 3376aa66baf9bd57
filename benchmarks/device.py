"""What the device's code adds to ONNX Runtime for one sample: one thread, one file, calls interleaved.

    python -m benchmarks.device [--rounds 5000] [--write]

`raw` is `onnxruntime.InferenceSession.run`, `logits` the device's checked call of it, `predict` with label and
probabilities. The networks are the recipes' students with fresh weights: they take as long as trained ones.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter_ns

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.page import replace_table
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.core.workspace import project_root
from tasks.kinds.recipes import load_recipe
from tasks.models.build import build_model
from tasks.models.export import export_onnx
from tasks.runtime.bundle.bundle import Facts, Golden, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import MODEL, Session
from tasks.runtime.bundle.verify import Contents, read_verified
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tasks.runtime.update.receipts import Receipt
from tasks.training.seeds import seeded

SAMPLES = {
    "digits": (InputSpec(layout="image", dtype="uint8", shape=(1, 8, 8)), 10),
    "vowels": (InputSpec(layout="sequence", dtype="float32", shape=(29, 12)), 9),
    "fashion": (InputSpec(layout="image", dtype="uint8", shape=(1, 28, 28)), 10),
}
"""what a sample of each recipe looks like, and how many classes there are"""
WARMUP = 200
Call = Callable[[], object]


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5_000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    rows = [_row(name, asked.rounds) for name in SAMPLES]
    table = "\n".join(["| student | raw | logits / raw | predict / raw |", "| --- | ---: | ---: | ---: |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-device", table)


def _row(name: str, rounds: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        contents, golden = made_bundle(name, Path(folder))
    medians = {way: float(np.median(times)) for way, times in _measured(_ways(contents, golden), rounds).items()}
    raw, logits, predict = (medians[way] for way in ("raw", "logits", "predict"))
    return f"| `{name}` | {raw / 1000:.1f} us | {logits / raw:.3f} | {predict / raw:.3f} |"


def made_bundle(name: str, folder: Path) -> tuple[Contents, Golden]:
    """Returns the verified bundle of a recipe's student, and one sample for it."""
    spec, classes = SAMPLES[name]
    architecture = load_recipe(project_root() / "params" / f"{name}.yaml").student.architecture
    features = spec.shape[-1] if spec.layout == "sequence" else spec.shape[0]
    with seeded(0):
        targets = TargetCard(names=tuple(str(place) for place in range(classes)))
        statistics = Statistics(mean=(8.0,) * features, std=(4.0,) * features)
        data = DataSpec(input=spec, task="classification", targets=targets, statistics=statistics)
        model = build_model(architecture, data)
    export_onnx(model, folder / MODEL)
    content = (folder / MODEL).read_bytes()
    inputs = np.random.default_rng(0).integers(0, 16, (1, *spec.shape)).astype(spec.dtype)
    lengths = {"lengths": np.array([len(inputs[0])])} if spec.layout == "sequence" else {}
    golden = golden_of(Session(content), {"inputs": inputs, **lengths})
    facts = Facts(
        name, "classification", targets.model_dump(), ARRAYS, spec.layout, Processor("x86", 1), "", "", "", 1e-3
    )
    write_bundle(folder / "bundle", facts, content, golden)
    return read_verified(folder / "bundle"), golden


def _ways(contents: Contents, golden: Golden) -> dict[str, Call]:
    predictor = Predictor(contents, Receipt(contents.release, 1, None, ""))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    raw = ort.InferenceSession(contents.file(MODEL), options, providers=["CPUExecutionProvider"])
    feed = dict(golden.inputs)
    return {
        "raw": lambda: raw.run(["logits"], feed),
        "logits": lambda: predictor.session.predict(golden.inputs),
        "predict": lambda: predictor.predict(golden.inputs),
    }


def _measured(ways: Mapping[str, Call], rounds: int) -> dict[str, NDArray[np.int64]]:
    """Returns nanoseconds (rounds,) of each way; every round calls each of them once, in another order."""
    names, orders = list(ways), np.random.default_rng(0)
    times = {name: np.empty(rounds + WARMUP, np.int64) for name in names}
    for turn in range(rounds + WARMUP):
        for place in orders.permutation(len(names)):
            call = ways[names[place]]
            started = perf_counter_ns()
            call()
            times[names[place]][turn] = perf_counter_ns() - started
    return {name: values[WARMUP:] for name, values in times.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
