"""A release in memory, ready to answer."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from ..errors import ModelError, OldRuntimeError, WrongInputError
from ..preprocess.frames.joined import FramesOfPictures
from ..preprocess.preprocessor import ModelInputs, preprocessor_of
from ..update.receipts import Receipt
from .decoder import PICTURE, MarkingDecoder, PlacingDecoder, decoder_of
from .onnx_version import is_known_here
from .session import INPUTS, MODEL, Arrays, Session
from .verify import Contents, read_verified

BATCH = 32
"""samples that the model is given at once; memory for its feature maps grows with them"""


class Predictor:
    """One loaded release; may be asked from several threads."""

    def __init__(self, contents: Contents, receipt: Receipt) -> None:
        self.manifest, self.receipt = contents.manifest, receipt
        self.session = _session(contents)
        self.decoder = decoder_of(self.manifest, self.session)
        self.preprocessor = preprocessor_of(self.manifest)
        self.problem: str | None = None
        """why this release answers in place of the current one; None where it is that"""

    @classmethod
    def from_bundle(cls, directory: Path) -> "Predictor":
        """Loads a bundle that came through no channel, as version 0, after checking all its files.

        Raises:
            ManifestError, TamperedError, ModelError, OldRuntimeError: it is not whole, or cannot run here.
        """
        contents = read_verified(directory)
        return cls(contents, Receipt(contents.release, 0, None, ""))

    def predict(self, inputs: Arrays, detail: str = "") -> list[dict[str, Any]]:
        """Returns one answer per sample as JSON; `inputs` as `Session.predict` takes them.

        Raises:
            WrongInputError: the inputs are not what the model takes, or its answers have no such `detail`.
            ModelError: the model fails on an input of the right shape, or its outputs are no numbers.
        """
        if detail and detail not in self.decoder.details:
            expected = f"one of {', '.join(self.decoder.details)}" if self.decoder.details else "none, of this model"
            raise WrongInputError(f"`detail`: expected {expected}, got {detail}; leave it out")
        outputs = self.session.predict(inputs)
        try:
            return self.decoder.decode(outputs, self.manifest.targets, detail)
        except ValueError as error:
            raise ModelError(f"`{MODEL}`: {error}; check the sample, or roll back") from None

    def answer(self, samples: ModelInputs, detail: str = "") -> list[dict[str, Any]]:
        """Returns one answer per sample as JSON, with `notes` where there are any, and `defer`; errors as `predict`.

        Answers that say where in a picture something is are one per picture, in its pixels: tiles are joined. An answer
        says `defer` where the release has a threshold for it: whether it is to be left to somebody else.
        """
        answers = [answer for batch in self._batches(samples.arrays) for answer in self.predict(batch, detail)]
        notes_of = samples.notes or [()] * len(answers)
        if samples.frames and isinstance(self.decoder, PlacingDecoder):
            answers = self.decoder.placed(answers, FramesOfPictures(samples.frames))
            notes_of = [()] * len(answers)  # a picture is read without any
        if detail == PICTURE and isinstance(self.decoder, MarkingDecoder):
            self._draw(answers, samples, self.decoder)
        for answer, notes in zip(answers, notes_of, strict=True):
            answer |= self._deferred(answer) | ({"notes": [*notes]} if notes else {})
        return answers

    def _draw(self, answers: list[dict[str, Any]], samples: ModelInputs, decoder: MarkingDecoder) -> None:
        """Adds to each answer its picture with what was found, as a PNG file in base64.

        Raises:
            SettingsError: there is nothing here to draw with.
        """
        from ..preprocess.frames.drawn import drawn, pictures_of

        values = self.session.checked(samples.arrays)[INPUTS]
        for answer, picture in zip(answers, pictures_of(values, samples.frames), strict=True):
            answer[PICTURE] = base64.b64encode(drawn(picture, decoder.marks(answer))).decode()

    def _deferred(self, answer: dict[str, Any]) -> dict[str, bool]:
        if (defer := self.manifest.defer) is None:
            return {}
        return {"defer": defer.threshold is None or answer["confidence"] < defer.threshold}

    def outputs(self, inputs: Arrays) -> Arrays:
        """Returns the model's outputs by name, for any number of samples; errors as `predict`."""
        parts = [self.session.predict(batch) for batch in self._batches(inputs)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _batches(self, inputs: Arrays) -> Iterator[Arrays]:
        """Yields the samples, `BATCH` at once."""
        feed = self.session.checked(inputs)
        for start in range(0, len(feed[INPUTS]), BATCH):
            yield {name: values[start : start + BATCH] for name, values in feed.items()}


def _session(contents: Contents) -> Session:
    manifest = contents.manifest
    try:
        return Session(contents.file(MODEL), manifest.target.threads)
    except ModelError:
        if is_known_here(manifest.onnx):
            raise
    needs = f"opset {manifest.onnx.opset} and IR version {manifest.onnx.ir} of ONNX"
    raise OldRuntimeError(
        f"`{MODEL}`: expected an ONNX Runtime that knows {needs}, got onnxruntime {ort.__version__}; update it"
    )
