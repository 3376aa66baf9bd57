"""Enrols samples under names, and says whose a sample is, with one release."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bundle.predictor import Predictor
from ..errors import EnrolmentError, WrongInputError
from ..preprocess.preprocessor import ModelInputs
from ..update.receipts import timestamp
from .names import checked_name
from .space import require_rules, space_of, vectors_of
from .store import GalleryStore, unknown_name
from .vectors import DeviceGallery, EnrolledName, Nearest, Vectors, similarity

MOST_VECTORS = 16
"""of one name: each is a further chance for somebody else to be taken for it"""
Answer = dict[str, Any]


@dataclass(frozen=True)
class _Enrolment:
    name: str
    vectors: Vectors
    add: bool


class Recogniser:
    """Compares samples with one another and with who is enrolled; may be asked from several threads.

    Args:
        store: the galleries of the home.
        predictor: the release that makes the vectors.

    Raises:
        SettingsError: the release was not made for comparing.
    """

    def __init__(self, store: GalleryStore, predictor: Predictor) -> None:
        self._store, self._predictor = store, predictor
        self._threshold = require_rules(predictor.manifest).threshold
        self._space = space_of(predictor.manifest)

    def enrol(self, name: str, samples: ModelInputs, add: bool = False) -> Answer:
        """Lets a name be that of the samples from now on, and returns what they are like.

        Args:
            name: 1 to 100 characters.
            samples: at most `MOST_VECTORS`; only their vectors are kept.
            add: to what the name has, which is replaced otherwise.

        Returns:
            `vectors` that the name has now, and had `before`; `agreement`, the smallest similarity between two of them;
            `nearest`, another name with its `score`; and `threshold`.

        Raises:
            WrongInputError: the name or the samples are refused, or the gallery would be too large.
            ModelError: the model gives no vectors.
            SettingsError: a file of a gallery is malformed.
        """
        enrolment = _Enrolment(checked_name(name), vectors_of(self._predictor, samples), add)
        before: list[int] = []

        def work(gallery: DeviceGallery | None) -> DeviceGallery:
            found = gallery or DeviceGallery(self._space, enrolment.vectors.shape[1], {})
            before.append(len(found.names[enrolment.name].vectors) if enrolment.name in found.names else 0)
            return found.having(_enrolled(found, enrolment))

        gallery = self._store.change(self._space, work)
        vectors = gallery.names[enrolment.name].vectors
        counts = {"vectors": len(vectors), "before": before[0], "agreement": _agreement(vectors)}
        others = gallery.without(enrolment.name).nearest(vectors)
        nearest = max(others, key=lambda one: one.score if one else -1.0)
        return {"name": enrolment.name} | counts | self._scored(nearest) | self._again()

    def identify(self, samples: ModelInputs) -> list[Answer]:
        """Returns for each sample its `name`, which is None where nobody is as near as the threshold says.

        Each answer has the `nearest` name with its `score`, None where nobody is enrolled, the `threshold`, and
        `enrol_again`: how many names are enrolled with other models alone, where there are any. The threshold is None
        where none was shown to keep the rate that was asked for; then everybody is nobody.

        Raises:
            WrongInputError: the samples are not what the model takes.
            EnrolmentError: names are enrolled, but none with this model.
            ModelError: the model gives no vectors.
            SettingsError: a file of a gallery is malformed.
        """
        gallery = self._gallery()
        again = self._again()
        vectors = vectors_of(self._predictor, samples)
        nearest = gallery.nearest(vectors) if gallery else iter([None] * len(vectors))
        notes = samples.notes or [()] * len(vectors)
        return [
            self._identified(one) | again | ({"notes": [*said]} if said else {})
            for one, said in zip(nearest, notes, strict=True)
        ]

    def verify(self, samples: ModelInputs) -> Answer:
        """Says whether two samples are of the `same` identity, with their `score` and the `threshold`.

        Raises:
            WrongInputError: they are not two, or not what the model takes.
            ModelError: the model gives no vectors.
        """
        vectors = vectors_of(self._predictor, samples)
        if len(vectors) != 2:
            raise WrongInputError(f"`inputs`: expected two samples, got {len(vectors)}; give one, and another")
        return self._compared(similarity(vectors[0] @ vectors[1]))

    def verify_name(self, name: str, samples: ModelInputs) -> list[Answer]:
        """Says of each sample whether it is of the `same` identity as a name, compared with its samples alone.

        Raises:
            UnknownNameError: nobody is called so.
            WrongInputError: the samples are not what the model takes.
            EnrolmentError: the name is enrolled with another model alone.
            ModelError: the model gives no vectors.
            SettingsError: a file of a gallery is malformed.
        """
        name = checked_name(name)
        enrolled = self._enrolled(name)
        products = (vectors_of(self._predictor, samples) @ enrolled.vectors.T).max(axis=1)
        return [{"name": name, **self._compared(similarity(product))} for product in products]

    def _enrolled(self, name: str) -> EnrolledName:
        gallery = self._store.read(self._space)
        if gallery and name in gallery.names:
            return gallery.names[name]
        if name in self._store.elsewhere(self._space):
            raise EnrolmentError(
                f"`{name}`: expected a name enrolled with version {self._predictor.receipt.version} or one of the same"
                " space, got one of another model; enrol it again, or go back (`rollback`)"
            )
        raise unknown_name(name)

    def _gallery(self) -> DeviceGallery | None:
        gallery, elsewhere = self._store.read(self._space), self._store.elsewhere(self._space)
        if gallery is None and elsewhere:
            raise EnrolmentError(
                f"`gallery`: expected names enrolled with version {self._predictor.receipt.version} or one of the same"
                f" space, got {len(elsewhere)} of another model alone; enrol or forget them, or go back (`rollback`)"
            )
        return gallery

    def _again(self) -> Answer:
        elsewhere = self._store.elsewhere(self._space)
        return {"enrol_again": len(elsewhere)} if elsewhere else {}

    def _identified(self, nearest: Nearest | None) -> Answer:
        name = nearest.name if nearest and self._is_same(nearest.score) else None
        return {"name": name} | self._scored(nearest)

    def _compared(self, score: float) -> Answer:
        return {"same": self._is_same(score), "score": score, "threshold": self._threshold}

    def _is_same(self, score: float) -> bool:
        return self._threshold is not None and score >= self._threshold

    def _scored(self, nearest: Nearest | None) -> Answer:
        name, score = (nearest.name, nearest.score) if nearest else (None, None)
        return {"nearest": name, "score": score, "threshold": self._threshold}


def _enrolled(gallery: DeviceGallery, enrolment: _Enrolment) -> EnrolledName:
    parts: Sequence[Vectors] = [enrolment.vectors]
    if enrolment.add and enrolment.name in gallery.names:
        parts = [gallery.names[enrolment.name].vectors, *parts]
    vectors = np.concatenate(parts)
    if not 0 < len(vectors) <= MOST_VECTORS:
        raise WrongInputError(
            f"`{enrolment.name}`: expected 1 to {MOST_VECTORS} samples of a name, got {len(vectors)}; give fewer"
        )
    return EnrolledName(enrolment.name, timestamp(), vectors)


def _agreement(vectors: Vectors) -> float | None:
    """Returns the smallest similarity between two vectors; None where there is one alone."""
    if len(vectors) < 2:
        return None
    return similarity((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)].min())
