"""Reasons for a schedule to retrain: each a plain function that says yes or no, and why."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from flows.changes import Comparison
from params.pipeline import Recipe
from params.promote import Gate
from params.retrain import Trigger
from tasks.contracts.raw_columns import same_inputs, selection
from tasks.contracts.words import check_text
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History


class TriggerResult(NamedTuple):
    """What a trigger says."""

    yes: bool
    reason: str


def ask_triggers(project: Path, recipe: Recipe, comparison: Comparison) -> TriggerResult:
    """Asks the triggers that the recipe names, in its order, until one says yes.

    Only a recipe of which something changed is to be asked about. One that never ran here needs no other reason.

    Raises:
        DataError: the data of now cannot be prepared, or that of the last run is no longer there to compare with.
    """
    if comparison.last is None:
        return TriggerResult(True, "; ".join(comparison.changes))
    said_no: list[str] = []
    for name in recipe.retrain.when:
        answer = TRIGGERS[name](project, recipe, comparison)
        if answer.yes:
            return answer
        said_no.append(f"{name}: {answer.reason}")
    return TriggerResult(False, f"{'; '.join(comparison.changes)}, but {'; '.join(said_no)}")


def changed(_project: Path, _recipe: Recipe, comparison: Comparison) -> TriggerResult:
    """Says yes to any change of recipe, data, code or libraries."""
    return TriggerResult(bool(comparison.changes), "; ".join(comparison.changes) or "nothing changed")


def new_data(_project: Path, _recipe: Recipe, comparison: Comparison) -> TriggerResult:
    """Says yes where the source of the data, or the version that `dvc.lock` names, is not that of the last run."""
    before = comparison.last.ingredients.data if comparison.last else {}
    found = [
        f"data {name} {before.get(name, 'none')} -> {now}"
        for name, now in comparison.now.data.items()
        if before.get(name) != now
    ]
    return TriggerResult(bool(found), "; ".join(found) or "the data is that of the last run")


def drift(project: Path, recipe: Recipe, comparison: Comparison) -> TriggerResult:
    """Says yes where the training samples of now differ from those of the last run; prepares them to find out."""
    from tasks.data.drift import drift_between, features_of
    from tasks.data.versions.versioning import versioned_data
    from tasks.data.versions.versions_store import CACHE, cached, card_of

    data = versioned_data(project, recipe)
    before = comparison.last.ingredients.data["version"] if comparison.last else "none"
    if data.version == before:
        return TriggerResult(False, "the data is that of the last run")
    locate = cached(project / CACHE, before)
    if not same_inputs(then := card_of(locate), data):
        return TriggerResult(True, f"data {before[:8]} -> {data.version[:8]}: the samples look different")
    earlier, as_now = features_of(locate, recipe.retrain.drift.samples), selection(then, data)
    if as_now is not None:  # a category that came since was in no row
        earlier = earlier @ as_now
    now = features_of(lambda name: Path(data.directory, name), recipe.retrain.drift.samples)
    found = drift_between(earlier, now, recipe.retrain.drift)
    words = f"data {before[:8]} -> {data.version[:8]}: feature {found.feature} of {found.features} at a distance of"
    return TriggerResult(found.drifted, f"{words} {found.distance:.3f} (p {found.p_value:.2g})")


def below_gate(project: Path, recipe: Recipe, _comparison: Comparison) -> TriggerResult:
    """Says yes where the champion of an environment is below its gate on labelled samples that its data lacked."""
    from flows.fresh_check import judged_on_fresh

    watch = recipe.retrain.below_gate
    gate: Gate = getattr(recipe.promote, watch.environment)
    champion = History.load(recipe.name).champion(recipe.name, watch.environment)
    release = None if champion is None else ledger.release_of(recipe.name, champion)
    if release is None:
        return TriggerResult(False, f"no release leads {watch.environment}")
    score, checks = judged_on_fresh(project, recipe, release, gate)
    fresh = f"{score.samples if score else 0:,} fresh samples"
    if score is None or score.samples < watch.samples:
        return TriggerResult(
            False, f"{fresh} since {watch.environment} version {champion}, {watch.samples:,} are asked for"
        )
    if not checks:
        return TriggerResult(False, f"the gate of {watch.environment} has no limit that fresh samples can tell of")
    texts = [check_text(check) for check in checks]
    words = [f"{text.limit} {text.got}" + ("" if text.passed else f", its gate asks {text.expected}") for text in texts]
    broken = [word for word, text in zip(words, texts, strict=True) if not text.passed]
    who = f"{watch.environment} version {champion} on {fresh}"
    return TriggerResult(bool(broken), f"{who}: {'; '.join(broken or words)}{'' if broken else ', as its gate asks'}")


TRIGGERS: Mapping[Trigger, Callable[[Path, Recipe, Comparison], TriggerResult]] = {
    "change": changed,
    "new_data": new_data,
    "drift": drift,
    "below_gate": below_gate,
}
