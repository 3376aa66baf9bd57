"""A champion on what has come since it was made: its bundle, the samples its data lacked, and its gate's own limits."""

from pathlib import Path

from params.pipeline import Recipe
from params.promote import Gate
from tasks.contracts.metrics import Check
from tasks.contracts.raw_columns import same_inputs
from tasks.contracts.records import DataRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import FreshScore
from tasks.core.errors import DataError, mismatch
from tasks.data.fresh import fresh_samples
from tasks.data.schema import sample_in_words
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.versions_store import CACHE, cached, card_of
from tasks.evaluate.fresh import score_fresh
from tasks.kinds.limits import metrics_of
from tasks.registry.gate.gate_inputs import unpacked
from tasks.registry.gate.judge import judge_fresh
from tasks.registry.ledger import entries as ledger


def judged_on_fresh(
    project: Path, recipe: Recipe, champion: Release, gate: Gate
) -> tuple[FreshScore | None, tuple[Check, ...]]:
    """Returns how good a release is on the fresh samples of now, and what a gate says to that; prepares them first.

    Raises:
        DataError: the data of now cannot be prepared, is of another kind than the release takes, or the data that the
            release was made of is no longer there.
        IntegrityError: the bundle has other bytes than on record.
    """
    data, earlier = versioned_data(project, recipe), ledger.evaluation_of(champion).data
    if data.version == earlier.version:
        return None, ()
    _require_same_inputs(champion, earlier, data)
    before = cached(project / CACHE, earlier.version)
    fresh = fresh_samples(before, lambda name: Path(data.directory, name))
    with unpacked(champion) as bundle:
        score = score_fresh(bundle, card_of(before), fresh)
    watch, metrics = recipe.retrain.below_gate, metrics_of(earlier.task)
    return score, judge_fresh(gate, metrics, score, watch.group_samples) if score else ()


def _require_same_inputs(champion: Release, earlier: DataRecord, data: DataRecord) -> None:
    expected, got = sample_in_words(earlier.input), sample_in_words(data.input)
    if expected != got and not same_inputs(earlier, data):
        do = "take `below_gate` out of `retrain.when`, or run the recipe by hand: the champion cannot be asked"
        where = f"data of {data.name}"
        raise DataError(mismatch(where, "", f"{expected}, which version {champion.version} takes", got, do))
