"""A release against the champion of an environment, on the same data, side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from params.compress import Target
from params.evaluate import Evaluate
from tasks.contracts.scores import Challenge, Discordant, Figure, FlippedSample, Flips
from tasks.core.progress import silent
from tasks.drawing.svg import Drawing
from tasks.evaluate.against.flips import SampleChanges, changes_of, flips_of
from tasks.evaluate.evaluate import TEST, score_all
from tasks.evaluate.figures.flipped import FlippedPicture, FlippedSide, draw_flipped
from tasks.evaluate.illustrate import SamplesShown
from tasks.evaluate.intervals import mcnemar
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.evaluate.score import EvalContext
from tasks.evaluate.slices import sample_ids, slices_of
from tasks.kinds.contract import FiguresPart, Rows, part
from tasks.training.network import PreparedData

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class Champion:
    """The release that an environment has: the environment, the version, and its file."""

    environment: str
    version: int
    model: ModelUnderTest


def challenge(
    params: Evaluate,
    champion: Champion,
    challenger: ModelUnderTest,
    data: PreparedData,
    target: Target,
    seed: int,
    keep: Callable[[Drawing], Figure] | None = None,
) -> Challenge:
    """Returns how a file does against that of the champion on the test split; agreement is with the champion.

    Where `params` asks for an operating point, both have one of the validation data of `data`.

    Args:
        params: how much is measured.
        champion: what it is compared with.
        challenger: the file.
        data: of the release.
        target: what both run on.
        seed: of the resampled data sets.
        keep: stores a picture of samples that flipped; None for no picture.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: one of the two does not run.
    """
    models = {CHALLENGER: challenger, CHAMPION: champion.model}
    scores, context = score_all(params, models, CHAMPION, data, target, seed, silent)
    pieces, changes = slices_of(data.directory, data.card, TEST, labels=True), changes_of(context, CHALLENGER, CHAMPION)
    broken, repaired = (_flipped(context, data, rows) for rows in (changes.broken, changes.repaired))
    flips = flips_of(context, changes, pieces, broken, repaired, seed)
    drawn = _drawn(champion, flips, changes, data)
    return Challenge(
        environment=champion.environment,
        version=champion.version,
        challenger=scores[0],
        champion=scores[1],
        gains=context.gains(CHALLENGER, CHAMPION),
        discordant=_discordant(context),
        flips=flips,
        figures=(keep(drawn),) if keep and drawn else (),
    )


def _flipped(context: EvalContext, data: PreparedData, rows: Rows) -> tuple[FlippedSample, ...]:
    """Returns the names of some samples, and in words what both models make of them."""
    told: FiguresPart[Any] = part(data.card.task, "figures", FiguresPart)
    before, now = (
        told.answers_in_words(context.evidence[name].evidence, rows, data.card.targets)
        for name in (CHAMPION, CHALLENGER)
    )
    names = sample_ids(data.directory, data.card, TEST, rows)
    return tuple(
        FlippedSample(name=name, before=then, now=this) for name, then, this in zip(names, before, now, strict=True)
    )


def _drawn(champion: Champion, flips: Flips, changes: SampleChanges, data: PreparedData) -> Drawing | None:
    """Returns a picture of samples that only one of the two has right; None where samples are right in parts."""
    if flips.unit != "samples":
        return None
    sides = []
    for title, rows, told, sign in (
        ("Newly wrong", changes.broken, flips.broken, -1),
        ("Newly right", changes.repaired, flips.repaired, 1),
    ):
        count = int((changes.better == sign).sum())
        inputs = [sample for sample, _ in SamplesShown(data).at(rows)] if len(rows) else []
        pictures = [FlippedPicture(one, sample) for one, sample in zip(inputs, told, strict=True)]
        sides.append(FlippedSide(f"{title}: {count:,} of {len(changes.better):,}", pictures))
    return draw_flipped(f"flipped-{champion.environment}-{champion.version}", champion.version, sides)


def _discordant(context: EvalContext) -> Discordant | None:
    """Returns which samples only one of the two has right; None where a sample is not simply right or wrong."""
    right = context.measuring.part.right
    ours, theirs = (right(context.evidence[name].evidence) for name in (CHALLENGER, CHAMPION))
    if ours is None or theirs is None:
        return None
    return Discordant(
        only_challenger=int((ours & ~theirs).sum()),
        only_champion=int((theirs & ~ours).sum()),
        p_value=mcnemar(ours, theirs),
    )
