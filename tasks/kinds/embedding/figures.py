"""Tables and pictures that only embeddings have, and what such a model must not be used for."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tasks.contracts.scores import TEACHER, Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.drawing.svg import Drawing
from tasks.kinds.contract import Floats, Rows, SplitSamples
from tasks.kinds.embedding.curve import Curve
from tasks.kinds.embedding.metrics import Vectors, weights_of
from tasks.kinds.embedding.pictures.hardest import HardPair, draw_hardest
from tasks.kinds.embedding.pictures.histogram import draw_histogram
from tasks.kinds.embedding.pictures.roc import Band, draw_roc, grid_of

LEVELS = (0.1, 0.01, 0.001)
"""false accept rates of the tables"""
DRAWS, SEED = 200, 0
"""resampled sets of identities behind the shade of a curve"""
INTERVAL = (2.5, 97.5)
HARDEST = 4
"""pairs of each sort that are shown"""
HEAD = (
    Heading(title="false accepts", unit="percent"),
    Heading(title="from cosine", unit="number"),
    Heading(title="true accepts", unit="percent"),
)
CAUTIONS = (
    "It must not decide alone what matters to a person, such as entry, payment, employment or anything of the law: of"
    " each threshold, the tables say how often it takes two for one.",
    "It must not search for a person in public places or in crowds, or watch them without their knowledge: with each"
    " identity in a gallery, false accepts grow, and laws forbid much of it.",
    "It tells nothing but how alike two samples are: not age, sex, origin, mood, health or character.",
    "An embedding of a person is personal (in the European Union biometric) data: a person must consent before it is"
    " kept, and can have it forgotten. It can be turned back into a likeness to some degree.",
    "Its release holds a few samples of the test split as they are, which devices test themselves with: where they show"
    " a person, that person must have consented to go wherever the release goes.",
    "It does not see whether a face or a voice is alive, a picture or a recording.",
)
LOOKED_AT = "Numbers were compared for {columns}; who is not in these columns may fare worse, unnoticed."
NOT_LOOKED_AT = (
    "No column of the data says for whom it works worse, such as for skin, sex or age; name some in"
    " `data.reader.slices`. Models of faces are known to be wrong more often for some groups: assume that it is until"
    " that was measured on samples of those it is meant for."
)


class EmbeddingFigures:
    """The part of the kind."""

    def tables(self, evidence: Mapping[str, Vectors], shipped: str, card: TargetCard) -> Iterator[Table]:
        """Yields what thresholds come to, of the file that ships beside the teacher."""
        curves = {name: curve_of(evidence[name]) for name in (shipped, TEACHER)}
        if None not in curves.values():
            rows = tuple(
                (*ours, theirs[-1]) for ours, theirs in zip(*(_levels(evidence[name]) for name in curves), strict=True)
            )
            head = (*HEAD, Heading(title="teacher's true accepts", unit="percent"))
            yield Table(title="What a threshold of the file that ships comes to on test pairs", head=head, rows=rows)

    def figures(
        self, evidence: Mapping[str, Vectors], shipped: str, card: TargetCard, samples: SplitSamples
    ) -> Iterator[Drawing]:
        """Yields the curve of accepts, how alike pairs are, and the hardest pairs."""
        ours = evidence[shipped]
        if curve_of(ours) is None or curve_of(evidence[TEACHER]) is None:
            return
        bands = {TEACHER: band_of(evidence[TEACHER], 0), shipped: band_of(ours, DRAWS)}
        yield draw_roc(bands, shipped)
        yield draw_histogram(ours.scores, ours.pairs.same, equal_threshold(ours))
        if (drawn := draw_hardest(hardest(ours, samples))) is not None:
            yield drawn

    def mistakes(self, evidence: Vectors, card: TargetCard) -> Iterator[Table]:
        """Yields what thresholds come to."""
        if curve_of(evidence) is not None:
            yield Table(title="What a threshold comes to", head=HEAD, rows=tuple(_levels(evidence)))

    def answers_in_words(self, evidence: Vectors, rows: Rows, card: TargetCard) -> tuple[str, ...]:
        """Returns whether the sample that is most alike to each is of the same identity, and their cosine."""
        return tuple(_nearest_in_words(evidence, int(row)) for row in rows)

    def pipeline_tag(self, layout: str) -> str:
        """Returns what Hugging Face calls the task."""
        return "image-feature-extraction" if layout == "image" else "feature-extraction"

    def cautions(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns what such a model must not be used for, and for whom it was looked at."""
        named = ", ".join(f"`{column}`" for column in dict.fromkeys(columns))
        return (*CAUTIONS, LOOKED_AT.format(columns=named) if named else NOT_LOOKED_AT)


def _nearest_in_words(evidence: Vectors, row: int) -> str:
    cosine = evidence.embedding @ evidence.embedding[row]
    cosine[row] = -np.inf
    nearest = int(cosine.argmax())
    whose = "its own identity" if evidence.identity[nearest] == evidence.identity[row] else "another identity"
    return f"nearest to {whose}, {cosine[nearest]:.2f}"


def curve_of(evidence: Vectors, weights: Floats | None = None) -> Curve | None:
    """Returns the curve of all pairs; None where a sort of them is not there."""
    same = evidence.pairs.same
    if not same.any() or same.all():
        return None
    return Curve.of(evidence.scores, same, np.ones((1, len(same))) if weights is None else weights)


def band_of(evidence: Vectors, draws: int) -> Band:
    """Returns the curve on a logarithmic grid; with draws, the interval over identities at each point."""
    curve = curve_of(evidence)
    assert curve is not None, "asked for where there are both sorts of pairs"
    grid = grid_of(int((~evidence.pairs.same).sum()))
    tar = np.array([curve.tar_at(far)[0] for far in grid])
    eer = float(curve.eer()[0])
    if not draws:
        return Band(grid, tar, None, None, eer)
    drawn = np.concatenate([_resampled(evidence, counts, grid) for counts in _counts(evidence.units, draws)])
    low, high = np.nanpercentile(drawn, INTERVAL, axis=0)
    return Band(grid, tar, low, high, eer)


def _counts(units: Rows, draws: int) -> Iterator[Floats]:
    """Yields (1, n) how often each sample is there where identities are drawn."""
    generator, size = np.random.default_rng(SEED), int(units.max()) + 1
    for _ in range(draws):
        counts = np.bincount(generator.integers(0, size, size), minlength=size)
        yield counts[units][np.newaxis].astype(np.float64)


def _resampled(evidence: Vectors, counts: Floats, grid: Floats) -> Floats:
    curve = curve_of(evidence, weights_of(evidence.pairs, counts))
    assert curve is not None, "asked for where there are both sorts of pairs"
    return np.stack([curve.tar_at(far) for far in grid], axis=1)


def equal_threshold(evidence: Vectors) -> float:
    """Returns the cosine from which on about as many pairs are accepted wrongly as are refused wrongly."""
    curve = curve_of(evidence)
    assert curve is not None, "asked for where there are both sorts of pairs"
    place = int(np.argmax((curve.far + curve.tar)[0] >= 1))
    return float(curve.scores[max(place - 1, 0)])


def _levels(evidence: Vectors) -> Iterator[tuple[float, float, float]]:
    """Yields the false accept rate, the cosine and the true accept rate of each level that the pairs can show."""
    curve = curve_of(evidence)
    assert curve is not None, "asked for where there are both sorts of pairs"
    impostors = int((~evidence.pairs.same).sum())
    for level in LEVELS:
        allowed = int((curve.far[0] <= level + 1e-12).sum()) - 1
        if level * impostors >= 1 and allowed > 0:
            yield float(curve.far[0, allowed]), float(curve.scores[allowed - 1]), float(curve.tar[0, allowed])


def hardest(evidence: Vectors, samples: SplitSamples) -> list[HardPair]:
    """Returns the least alike pairs of one identity and the most alike of two; each sample in one pair at most."""
    pairs, order = evidence.pairs, np.arange(len(evidence.scores))
    chosen = [*_first(order[::-1][pairs.same[::-1]], pairs.rows), *_first(order[~pairs.same], pairs.rows)]
    shown = samples.at(pairs.rows[chosen].ravel()) if chosen else []
    found = []
    for place, ((left, one), (right, other)) in zip(chosen, zip(shown[::2], shown[1::2], strict=True), strict=True):
        found.append(HardPair((left, right), (one, other), bool(pairs.same[place]), float(evidence.scores[place])))
    return found


def _first(places: Rows, rows: Rows) -> list[int]:
    taken: set[int] = set()
    chosen: list[int] = []
    for place in places:
        if len(chosen) < HARDEST and not taken.intersection(rows[place].tolist()):
            chosen.append(int(place))
            taken.update(rows[place].tolist())
        if len(chosen) == HARDEST:
            break
    return chosen


PART = EmbeddingFigures()
