"""Does memory grow with the data? Peak memory of preparing and of distilling, for a made-up data set and one ten times
larger, each in a process of its own.

    python -m benchmarks.memory [--samples 6000] [--write]

Pictures of 84 x 84 with a bright stripe whose place is the class. The figure is the highest resident set of a process,
memory maps included.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page import replace_table
from params.pipeline import Recipe
from params.teacher import TrainedTeacher

CLASSES, SIDE, TIMES = 4, 84, 10
PARTS = {"train": 1.0, "test": 0.1}
"""sizes, of the samples asked for"""
RECIPE: dict[str, Any] = {
    "name": "synthetic",
    "data": {
        "source": {"kind": "folder", "path": "synthetic"},
        "reader": {
            "kind": "idx",
            "classes": [f"stripe {place}" for place in range(CLASSES)],
            **{part: {"images": f"{part}-images", "labels": f"{part}-labels"} for part in PARTS},
        },
        "split": {"kind": "official", "validation": 0.1},
        "duplicates": "keep",
    },
    "teacher": {"architecture": {"kind": "resnet", "widths": [8, 16], "stem_stride": 2}, "training": {"epochs": 1}},
    "student": {"architecture": {"kind": "cnn", "channels": [8], "stem_stride": 2}, "training": {"epochs": 1}},
}


def main(arguments: Sequence[str]) -> None:
    """Measures, prints the table, and writes it into docs/benchmarks.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=6_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", choices=("prepare", "distill"))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args(arguments)
    if asked.child:
        _child(asked.child, asked.folder)
        return
    peaks = {samples: _peaks(samples) for samples in (asked.samples, TIMES * asked.samples)}
    small, large = peaks.values()
    rows = [
        f"| {step} | {small[step]:.0f} MB | {large[step]:.0f} MB | {large[step] / small[step] - 1:+.1%} |"
        for step in small
    ]
    titles = " | ".join(f"{samples:,} samples" for samples in peaks)
    table = "\n".join([f"| peak memory | {titles} | growth |", "| --- | ---: | ---: | ---: |", *rows])
    sys.stdout.write(f"{table}\n")
    if asked.write:
        replace_table("bench-memory", table)


def _peaks(samples: int) -> dict[str, float]:
    """Returns step -> highest resident set in MB."""
    with tempfile.TemporaryDirectory() as folder:
        _write_source(Path(folder), samples)
        return {step: _run(step, folder) for step in ("prepare", "distill")}


def _run(step: str, folder: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", "--child", step, "--folder", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _write_source(folder: Path, samples: int) -> None:
    """Writes the pictures as IDX files and the recipe, in parts, so that this process stays small too."""
    generator = np.random.default_rng(0)
    (folder / "synthetic").mkdir()
    for part, size in PARTS.items():
        labels = (np.arange(int(size * samples)) % CLASSES).astype(np.uint8)
        stem = folder / "synthetic" / part
        Path(f"{stem}-labels").write_bytes(_idx_header(len(labels)) + labels.tobytes())
        with Path(f"{stem}-images").open("wb") as stream:
            stream.write(_idx_header(len(labels), SIDE, SIDE))
            for some in np.array_split(labels, -(-len(labels) // 500)):
                pictures = generator.integers(0, 64, (len(some), SIDE, SIDE), dtype=np.uint8)
                for picture, label in zip(pictures, some, strict=True):
                    picture[8 * label : 8 * label + 8] += 128
                stream.write(pictures.tobytes())
    (folder / "synthetic.json").write_text(json.dumps(RECIPE), encoding="utf-8")


def _idx_header(*lengths: int) -> bytes:
    """Returns what an IDX file of bytes begins with: two zeros, the type, the number of axes, their lengths."""
    return bytes([0, 0, 8, len(lengths)]) + np.array(lengths, dtype=">u4").tobytes()


def _child(step: str, folder: Path) -> None:
    """Does one step and says how large this process was at most."""
    recipe = Recipe.model_validate(json.loads((folder / "synthetic.json").read_text(encoding="utf-8")))
    STEPS[step](recipe, folder)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}\n")


def _prepare(recipe: Recipe, folder: Path) -> None:
    from tasks.data.fetch import fetch
    from tasks.data.prepared.prepare import prepare

    fetch(recipe, folder)
    prepare(recipe, folder)


def _distill(recipe: Recipe, folder: Path) -> None:
    """Distills for an epoch, the cold cache of soft labels included; the teacher knows nothing, at the same cost."""
    from tasks.core.progress import silent
    from tasks.distill.student import distill
    from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
    from tasks.training.network import PreparedData

    assert isinstance(recipe.teacher, TrainedTeacher), "the recipe above has one"
    data = PreparedData.open_folder(folder / "data" / recipe.name / "prepared")
    teacher = LoadedTeacher(data.network(recipe.teacher.architecture), "random")
    teachers = Teachers((teacher,), "synthetic", folder / "soft-labels")
    distill(recipe.student, recipe.distill, teachers, data, 0, silent, lambda _epoch, _metrics: None)


STEPS: dict[str, Callable[[Recipe, Path], None]] = {"prepare": _prepare, "distill": _distill}


if __name__ == "__main__":
    main(sys.argv[1:])
