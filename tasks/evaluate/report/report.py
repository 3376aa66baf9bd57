"""What the page and the card are made of: records of one release, and nothing that is not on record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.metrics import Metric
from tasks.contracts.releases import Release, Verdict
from tasks.contracts.scores import TEACHER, Challenge, EvaluationRecord, Score
from tasks.contracts.words import title_of
from tasks.kinds.limits import metrics_of


@dataclass(frozen=True)
class Report:
    """How models were judged; and, where one of them is a release by now, what that is and what gates said.

    Attributes:
        evaluation: of all models on the test split.
        release: what was registered; None before that.
        verdicts: all that gates said on this release, oldest first.
        challenges: against the champions of environments, also of those it was not yet shown to.
        figures: name -> title, caption and the text of an SVG, in the order they are shown; also those of challenges.
        decided: when each verdict was given; empty, or one for each.
        ancestors: all that the release is made of, from the gates that it leads behind back to the raw data.
    """

    evaluation: EvaluationRecord
    release: Release | None = None
    verdicts: tuple[Verdict, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    figures: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    decided: tuple[datetime, ...] = ()
    ancestors: tuple[Ancestor, ...] = ()

    @property
    def title(self) -> str:
        """The name of the product and, where there is one, its version."""
        return f"{self.release.model} version {self.release.version}" if self.release else self.evaluation.name

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All that its kind of task measures."""
        return metrics_of(self.evaluation.data.task)

    @property
    def metric(self) -> Metric:
        """The one that decides."""
        return self.metrics[0]

    @property
    def shipped(self) -> Score:
        """The score of the file that ships."""
        return self.evaluation.shipped

    @property
    def teacher(self) -> Score:
        """The score of the teacher."""
        return self.evaluation.score(TEACHER)

    @property
    def latest(self) -> dict[str, Verdict]:
        """The last word of each environment's gate."""
        return {verdict.environment: verdict for verdict in self.verdicts}

    @property
    def all_challenges(self) -> tuple[Challenge, ...]:
        """Each champion once: as measured now, else as the gate saw it."""
        seen = [verdict.challenge for verdict in self.verdicts if verdict.challenge is not None]
        by_champion = {(one.environment, one.version): one for one in (*seen, *self.challenges)}
        return tuple(by_champion.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should be told without having to find it."""
        of_models = [
            f"{model.role}: {warning}"
            for model in (self.evaluation.teacher, self.evaluation.student)
            for warning in model.warnings
        ]
        return (*self.evaluation.notes, *of_models)

    def name_of(self, score: Score) -> str:
        """Returns what a person calls a model."""
        return title_of(score.name)
