"""The space in which a release's vectors lie, and what was signed with it about comparing them."""

import hashlib
import json

import numpy as np

from ..bundle.manifest import Manifest, VerifyRules
from ..bundle.predictor import Predictor
from ..bundle.session import MODEL
from ..errors import ModelError, SettingsError
from ..preprocess.preprocessor import ModelInputs
from .vectors import Vectors

EMBEDDING = "embedding"
"""the output with the vectors"""
LENGTH_TOLERANCE = 0.05
"""how far the length of a vector may be from 1: a file of 8 bits rounds its numbers; then it is made 1"""


def space_of(manifest: Manifest) -> str:
    """Returns what tells one space from another, in hex: the model's bytes, and how a sample becomes its input.

    A release with another threshold alone has the same space, so its gallery goes on. Another file of the same network,
    such as one in 8 bits, is another space.
    """
    models = [file.sha256 for file in manifest.files if file.name == MODEL]
    facts = json.dumps([*models, manifest.preprocessing], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def require_rules(manifest: Manifest) -> VerifyRules:
    """Returns when a release takes two samples for the same.

    Raises:
        SettingsError: it was not made for comparing.
    """
    if manifest.verify is None:
        raise SettingsError(
            f"`{manifest.name}`: expected a release that compares, got one without `verify` in its manifest;"
            " add `evaluate.verify` to its recipe"
        )
    return manifest.verify


def vectors_of(predictor: Predictor, samples: ModelInputs) -> Vectors:
    """Returns the vectors (samples, size) of a release, each of length 1.

    Raises:
        WrongInputError: the samples are not what the model takes.
        ModelError: its outputs are no such vectors.
    """
    outputs = predictor.outputs(samples.arrays)
    vectors = outputs.get(EMBEDDING)
    if vectors is None or vectors.ndim != 2:
        raise ModelError(f"`{MODEL}`: expected an output `{EMBEDDING}` of vectors, got {[*outputs]}; roll back")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not np.all(np.abs(lengths - 1) <= LENGTH_TOLERANCE):  # so that NaN fails
        raise ModelError(
            f"`{MODEL}`: expected vectors of length 1, which a cosine similarity is found from, got"
            f" {lengths.min():.3g} to {lengths.max():.3g}; check the sample, or roll back"
        )
    directions: Vectors = (vectors / lengths[:, None]).astype(np.float32)
    return directions
