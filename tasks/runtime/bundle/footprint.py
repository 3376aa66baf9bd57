"""What a model costs a process of its own: time until it answers, and memory.

    python -m tasks.runtime.bundle.footprint MODEL.onnx SAMPLE.npz THREADS

It prints JSON: `load_ms` from the bytes of the file to the first answer, `peak_bytes` the highest resident memory.
"""

import json
import sys
from pathlib import Path
from time import perf_counter_ns

import numpy as np

from .session import Session

STATUS = Path("/proc/self/status")


def footprint(model: Path, sample: Path, threads: int) -> dict[str, float]:
    """Returns what this process needed to load a model and to answer for one batch.

    Raises:
        ModelError: ONNX Runtime cannot run it.
    """
    with np.load(sample, allow_pickle=False) as arrays:
        inputs = dict(arrays)
    content = model.read_bytes()
    started = perf_counter_ns()
    Session(content, threads).predict(inputs)
    return {"load_ms": (perf_counter_ns() - started) / 1e6, "peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """Returns the highest resident memory of this process so far.

    Not by `getrusage` where there is another way: on Linux that begins with the memory of the process that started it.
    """
    if STATUS.is_file():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(json.dumps(footprint(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
