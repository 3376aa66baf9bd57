"""The folder of an MLflow model: `MLmodel`, the code that loads it, and the bundle as devices get it.

Two flavours read the same bytes: `onnx` the file alone, `python_function` the bundle through the device's runtime.
"""

import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.models import Model

from tasks.core.source import ROOT
from tasks.registry.mlflow_model.signature import example_of, signature_of
from tasks.runtime.bundle.bundle import golden_samples
from tasks.runtime.bundle.manifest import Manifest
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import MODEL
from tasks.runtime.bundle.verify import read_verified
from tasks.runtime.preprocess.preprocessor import ARRAYS
from tasks.runtime.pyfunc import BUNDLE

PACKAGE = "stillhouse_edge"
"""what the runtime is called outside of this repository"""
LIBRARIES = ("mlflow", "numpy", "onnx", "onnxruntime")
SESSION = {"session.x64quantprecision": "1"}
"""as the runtime has it: without it, weights of 8 bits give other answers on older processors"""


def write_model(folder: Path, bundle: Path, model: Model) -> None:
    """Writes the folder of a model around a bundle, which it moves there.

    Args:
        folder: is not there yet.
        bundle: has passed its self-test.
        model: with the ids by which MLflow knows it.
    """
    predictor = Predictor.from_bundle(bundle)
    example = example_of(predictor, golden_samples(read_verified(bundle)).inputs)
    with TemporaryDirectory() as code:
        mlflow.pyfunc.save_model(
            folder,
            loader_module=f"{PACKAGE}.pyfunc",
            code_paths=[str(_runtime(Path(code), predictor.manifest.task))],
            pip_requirements=[*_requirements(predictor.manifest)],
            signature=signature_of(predictor, example),
            input_example=example,
            mlflow_model=model,
        )
    model.add_flavor(
        "onnx",
        onnx_version=version("onnx"),
        data=f"{BUNDLE}/{MODEL}",
        providers=["CPUExecutionProvider"],
        onnx_session_options={
            "intra_op_num_threads": predictor.manifest.target.threads,
            "extra_session_config": SESSION,
        },
    )
    bundle.rename(folder / BUNDLE)
    model.model_size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    model.save(folder / "MLmodel")


def _runtime(folder: Path, task: str) -> Path:
    """Copies the runtime as the wheel for devices has it, with the decoder of one kind of task."""
    package = folder / PACKAGE
    shutil.copytree(ROOT / "tasks/runtime", package, ignore=shutil.ignore_patterns("__pycache__"))
    decoder = package / "kinds" / task / "decode.py"
    decoder.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "tasks/kinds" / task / "decode.py", decoder)
    return package


def _requirements(manifest: Manifest) -> Iterator[str]:
    """Yields what an environment needs in which the model answers; Pillow where it reads raw samples."""
    raw = manifest.preprocessing["kind"] != ARRAYS["kind"]
    for name in (*LIBRARIES, *(["pillow"] if raw else [])):
        yield f"{name}=={version(name)}"
