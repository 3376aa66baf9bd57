"""The feature objectives once more, sample by sample in NumPy's float64, written from the papers.

A layer is a list of samples: (channels,), (channels, frames that are there) or (channels, height, width).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from tests.distill.objectives.oracles import Floats, Ints

Layer = Sequence[Floats]
Weights = dict[str, Floats]


def places(sample: Floats) -> Floats:
    """Returns (places, channels)."""
    return np.asarray(sample.reshape(len(sample), -1).T)


def mean_of(sample: Floats) -> Floats:
    return np.asarray(places(sample).mean(axis=0))


def length(vector: Floats) -> float:
    return float(np.sqrt(np.sum(vector**2)))


def direction(vector: Floats) -> Floats:
    return vector / length(vector) if vector.any() else vector


def parts(size: int, count: int) -> list[slice]:
    return [slice(int(np.floor(n * size / count)), int(np.ceil((n + 1) * size / count))) for n in range(count)]


def shrunk(picture: Floats, height: int, width: int) -> Floats:
    rows, columns = parts(picture.shape[1], height), parts(picture.shape[2], width)
    return np.array([[[channel[r, c].mean() for c in columns] for r in rows] for channel in picture])


def aligned(student: Layer, teacher: Layer) -> tuple[Layer, Layer]:
    ours, theirs = student[0], teacher[0]
    if ours.ndim != theirs.ndim:
        return [mean_of(sample) for sample in student], [mean_of(sample) for sample in teacher]
    if ours.ndim < 3:
        return student, teacher
    sizes = [min(pair) for pair in zip(ours.shape[1:], theirs.shape[1:], strict=True)]
    return [shrunk(sample, *sizes) for sample in student], [shrunk(sample, *sizes) for sample in teacher]


def normed(samples: Sequence[Floats], scale: Floats, shift: Floats) -> list[Floats]:
    """Returns samples (places, channels) after batch norm over all their places."""
    every = np.concatenate(samples)
    mean, deviation = every.mean(axis=0), np.sqrt(every.var(axis=0) + 1e-5)
    return [(sample - mean) / deviation * scale + shift for sample in samples]


def hint(student: Layer, teacher: Layer, weights: Weights) -> float:
    ours, theirs = aligned(student, teacher)
    projected = [places(sample) @ weights["linear.weight"].T for sample in ours]
    projected = normed(projected, weights["norm.weight"], weights["norm.bias"])
    pairs = zip(projected, theirs, strict=True)
    return float(np.mean([np.mean((guess - places(sample)) ** 2) for guess, sample in pairs]))


def attention(student: Layer, teacher: Layer) -> float:
    def attended(sample: Floats) -> Floats:
        return direction(np.mean(places(sample) ** 2, axis=1))

    ours, theirs = aligned(student, teacher)
    return float(np.mean([np.mean((attended(s) - attended(t)) ** 2) for s, t in zip(ours, theirs, strict=True)]))


def similarity(student: Layer, teacher: Layer) -> float:
    def products(layer: Layer) -> Floats:
        """Returns (batch, batch); frames that only one of two sequences has meet nothing."""
        count = len(layer)
        found = np.zeros((count, count))
        for i, j in product(range(count), repeat=2):
            first, second = places(layer[i]), places(layer[j])
            shared = min(len(first), len(second))
            found[i, j] = np.sum(first[:shared] * second[:shared])
        return np.array([direction(row) for row in found])

    return float(np.sum((products(teacher) - products(student)) ** 2) / len(student) ** 2)


def pkt(student: Layer, teacher: Layer) -> float:
    def chances(layer: Layer) -> Floats:
        vectors = [direction(mean_of(sample)) for sample in layer]
        kernel: Floats = np.array([[(a @ b + 1) / 2 for a in vectors] for b in vectors])
        return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))

    ours, theirs = chances(student), chances(teacher)
    return float(np.mean(theirs * np.log((theirs + 1e-7) / (ours + 1e-7))))


def relation(student: Layer, teacher: Layer, distance: float, angle: float) -> float:
    def huber(gaps: Floats) -> float:
        return float(np.mean(np.where(np.abs(gaps) < 1, 0.5 * gaps**2, np.abs(gaps) - 0.5)))

    def distances(layer: Layer) -> Floats:
        vectors = [mean_of(sample) for sample in layer]
        found = np.array([[length(a - b) for a in vectors] for b in vectors])
        return found / found[found > 0].mean() if found.any() else found

    def angles(layer: Layer) -> Floats:
        vectors = [mean_of(sample) for sample in layer]
        return np.array([[[direction(b - a) @ direction(c - a) for c in vectors] for b in vectors] for a in vectors])

    return distance * huber(distances(student) - distances(teacher)) + angle * huber(angles(student) - angles(teacher))


def vid(student: Layer, teacher: Layer, weights: Weights) -> float:
    ours, theirs = aligned(student, teacher)
    variance = np.log1p(np.exp(weights["raw_variance"])) + 1e-5
    losses = []
    for sample, target in zip(ours, theirs, strict=True):
        guess = places(sample)
        for number in (0, 2, 4):
            guess = (guess if number == 0 else np.maximum(guess, 0)) @ weights[f"mean.{number}.weight"].T
        losses.append(np.mean(0.5 * ((places(target) - guess) ** 2 / variance + np.log(variance))))
    return float(np.mean(losses))


class Crd:
    """Banks and normalisers change from batch to batch, as in the module."""

    def __init__(self, weights: Weights, temperature: float, momentum: float) -> None:
        self.weights, self.temperature, self.momentum = weights, temperature, momentum
        self.banks = {name: weights[name].copy() for name in ("students", "teachers")}
        self.labels = np.full(len(weights["students"]), -1)
        self.normalisers: dict[str, float] = {}

    def embedded(self, layer: Layer, who: str) -> list[Floats]:
        matrix, shift = (self.weights[f"embed_{who}.{part}"] for part in ("weight", "bias"))
        return [direction(matrix @ mean_of(sample) + shift) for sample in layer]

    def value(self, student: Layer, teacher: Layer, labels: Ints, rows: Ints, others: Ints) -> float:
        """Returns the loss; nothing is remembered but the labels and, in the first batch, the normalisers."""
        self.labels[rows] = labels
        total = 0.0
        for who, layer, bank in (("student", student, "teachers"), ("teacher", teacher, "students")):
            total += self.told_apart(self.embedded(layer, who), bank, labels, rows, others)
        return total

    def told_apart(self, anchors: list[Floats], bank: str, labels: Ints, rows: Ints, others: Ints) -> float:
        samples, scores = len(self.labels), []
        for anchor, label, row, drawn in zip(anchors, labels, rows, others, strict=True):
            kept = [other for other in drawn if self.labels[other] != label]
            scores.append([np.exp(anchor @ self.banks[bank][place] / self.temperature) for place in (row, *kept)])
        self.normalisers.setdefault(bank, float(np.mean(np.concatenate(scores))) * samples)
        losses = []
        for positive, *negatives in scores:
            noise = len(negatives) / samples
            chances = [x / self.normalisers[bank] for x in (positive, *negatives)]
            loss = -np.log(chances[0] / (chances[0] + noise)) - sum(np.log(noise / (x + noise)) for x in chances[1:])
            losses.append(loss if negatives else 0.0)
        return float(np.mean(losses))

    def remember(self, student: Layer, teacher: Layer, rows: Ints) -> None:
        for who, layer in (("student", student), ("teacher", teacher)):
            bank = self.banks[f"{who}s"]
            for row, seen in zip(rows, self.embedded(layer, who), strict=True):
                bank[row] = direction(self.momentum * bank[row] + (1 - self.momentum) * seen)


def as_planes(layer: Layer) -> list[Floats]:
    """Returns samples (channels, height, width)."""
    return [np.asarray(sample.reshape(len(sample), *(1, 1, *sample.shape[1:])[-2:])) for sample in layer]


def everywhere(planes: Sequence[Floats], change: Callable[[list[Floats]], list[Floats]]) -> list[Floats]:
    """Returns planes after a change of their places, given as a list of (places, channels)."""
    changed = change([places(plane) for plane in planes])
    return [new.T.reshape(-1, *plane.shape[1:]) for new, plane in zip(changed, planes, strict=True)]


def convolved(plane: Floats, kernel: Floats) -> Floats:
    """Returns (out, height, width), with zeros all around the plane."""
    tall, broad = kernel.shape[2:]
    padded = np.pad(plane, ((0, 0), (tall // 2, tall // 2), (broad // 2, broad // 2)))
    height, width = plane.shape[1:]
    shifts = product(range(tall), range(broad))
    return np.asarray(
        sum(np.tensordot(kernel[:, :, y, x], padded[:, y : y + height, x : x + width], axes=1) for y, x in shifts)
    )


def nearest(plane: Floats, height: int, width: int) -> Floats:
    rows, columns = (np.arange(n) * old // n for n, old in ((height, plane.shape[1]), (width, plane.shape[2])))
    return np.asarray(plane[:, rows][:, :, columns])


def fused(planes: list[Floats], above: list[Floats], weights: Weights) -> list[Floats]:
    found = []
    for plane, higher in zip(planes, above, strict=True):
        brought = nearest(higher, *plane.shape[1:])
        both = np.concatenate([plane, brought])
        scores = np.tensordot(weights["mix.weight"], both, axes=1) + weights["mix.bias"][:, None, None]
        shares = 1 / (1 + np.exp(-scores))
        found.append(plane * shares[0] + brought * shares[1])
    return found


def hierarchical(guess: Floats, target: Floats, axes: int) -> float:
    """Returns the hierarchical context loss of one sample."""
    loss, weight, total = float(np.mean((guess - target) ** 2)), 1.0, 1.0
    size = {0: 1, 1: guess.shape[2], 2: min(guess.shape[1:])}[axes]
    for level in (level for level in (4, 2, 1) if level < size):
        weight /= 2
        total += weight
        small = [shrunk(plane, level if axes == 2 else 1, level) for plane in (guess, target)]
        loss += weight * float(np.mean((small[0] - small[1]) ** 2))
    return loss / total


def review(student: Sequence[Layer], teacher: Sequence[Layer], weights: Sequence[Weights]) -> float:
    total, above = 0.0, None
    for ours, theirs, known in reversed(list(zip(student, teacher, weights, strict=True))):
        mine, targets = aligned(ours, theirs)
        axes = mine[0].ndim - 1
        narrowed = everywhere(as_planes(mine), lambda samples, k=known: _narrowed(samples, k))  # type: ignore[misc]
        above = narrowed if above is None else fused(narrowed, above, known)
        wide = [convolved(plane, known["widen.weight"]) for plane in above]
        guesses = everywhere(wide, lambda s, k=known: normed(s, k["norm.weight"], k["norm.bias"]))  # type: ignore[misc]
        pairs = zip(guesses, as_planes(targets), strict=True)
        total += float(np.mean([hierarchical(*pair, axes) for pair in pairs]))
    return total


def _narrowed(samples: list[Floats], weights: Weights) -> list[Floats]:
    projected = [sample @ weights["narrow.linear.weight"].T for sample in samples]
    return normed(projected, weights["narrow.norm.weight"], weights["narrow.norm.bias"])


def value_of(
    kind: str, student: Sequence[Layer], teacher: Sequence[Layer], weights: Sequence[Weights], said: Any
) -> float:
    """Returns any objective but `crd`, the sum over the pairs of layers."""
    if kind == "review":
        return review(student, teacher, weights)
    plain = {"attention": attention, "similarity": similarity, "pkt": pkt}
    total = 0.0
    for ours, theirs, known in zip(student, teacher, weights, strict=True):
        if kind in plain:
            total += plain[kind](ours, theirs)
        elif kind == "relation":
            total += relation(ours, theirs, said.distance, said.angle)
        else:
            total += {"hint": hint, "vid": vid}[kind](ours, theirs, known)
    return total
