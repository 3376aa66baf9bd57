"""A release against the champion of an environment, on the same data, side by side."""

from dataclasses import dataclass
from functools import partial

from params.compress import Target
from params.evaluate import Evaluate
from tasks.contracts.scores import Challenge, Discordant
from tasks.core.progress import silent
from tasks.evaluate.against.flips import flips_of
from tasks.evaluate.evaluate import TEST, score_all
from tasks.evaluate.intervals import mcnemar
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.evaluate.score import EvalContext
from tasks.evaluate.slices import sample_ids, slices_of
from tasks.training.network import PreparedData

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class Champion:
    """The release that an environment has: the environment, the version, and its file."""

    environment: str
    version: int
    model: ModelUnderTest


def challenge(
    params: Evaluate, champion: Champion, challenger: ModelUnderTest, data: PreparedData, target: Target, seed: int
) -> Challenge:
    """Returns how a file does against that of the champion on the test split; agreement is with the champion.

    Raises:
        IntegrityError: a file has other bytes than on record.
        StageError: one of the two does not run.
    """
    models = {CHALLENGER: challenger, CHAMPION: champion.model}
    scores, context = score_all(params, models, CHAMPION, data, target, seed, silent)
    where = (data.directory, data.card, TEST)
    pieces = slices_of(*where, labels=True)
    return Challenge(
        environment=champion.environment,
        version=champion.version,
        challenger=scores[0],
        champion=scores[1],
        gains=context.gains(CHALLENGER, CHAMPION),
        discordant=_discordant(context),
        flips=flips_of(context, CHALLENGER, CHAMPION, pieces, partial(sample_ids, *where), seed),
    )


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
