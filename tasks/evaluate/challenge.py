"""A release against the champion of an environment, on the same data, side by side."""

from dataclasses import dataclass

from params.compress import Target
from params.evaluate import Evaluate
from tasks.contracts.scores import Challenge
from tasks.core.progress import silent
from tasks.evaluate.evaluate import TEST, score_all
from tasks.evaluate.intervals import mcnemar, paired_difference
from tasks.evaluate.model_under_test import ModelUnderTest
from tasks.training.arrays import open_split
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
    scores, logits = score_all(params, models, CHAMPION, data, target, seed, silent)
    labels = open_split(data.directory, TEST).labels()
    ours, theirs = (data.kind.correct(logits[name], labels) for name in models)
    return Challenge(
        environment=champion.environment,
        version=champion.version,
        challenger=scores[0],
        champion=scores[1],
        gain=paired_difference(ours, theirs, params, seed),
        only_challenger=int((ours & ~theirs).sum()),
        only_champion=int((theirs & ~ours).sum()),
        p_value=mcnemar(ours, theirs),
    )
