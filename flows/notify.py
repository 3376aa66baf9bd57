"""Notifications of what became of a run, through a notification block of Prefect, where the recipe names one.

A message that cannot be delivered changes nothing about the run. What a block holds is a secret: of a failure to
deliver, only the kind is told, as the message of an HTTP error may contain the address.
"""

import asyncio
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from params.pipeline import Recipe
from params.retrain import Event
from tasks.contracts.releases import Promotion
from tasks.contracts.words import refusal_lines
from tasks.core.errors import StoppedError, mismatch
from tasks.core.progress import Warned, say
from tasks.core.servers import without_login


def notify_of_promotions(recipe: Recipe, promotions: Sequence[Promotion], reason: str) -> None:
    """Notifies of every gate that a release passed, or that refused it, and why it was made."""
    for promotion in promotions:
        version = f"{recipe.name} version {promotion.version}"
        if promotion.moved:
            _notify(recipe, "promoted", f"{version} promoted to {promotion.environment}", reason)
        elif not promotion.verdict.passed:
            body = "\n".join((reason, *refusal_lines(promotion.verdict)))
            _notify(recipe, "refused", f"{version} refused by the gate of {promotion.environment}", body)


@contextmanager
def notify_of_failure(recipe: Recipe) -> Iterator[None]:
    """Notifies of an error in the block, which goes on upwards; a person's Ctrl-C is none."""
    try:
        yield
    except StoppedError:
        raise
    except Exception as error:
        _notify(recipe, "failed", f"{recipe.name} failed", without_login(f"{type(error).__name__}: {error}"))
        raise


def _notify(recipe: Recipe, event: Event, subject: str, body: str) -> None:
    if recipe.notify is None or event not in recipe.notify.about:
        return
    try:
        _send(recipe.notify.block, subject, body)
    except Exception as error:
        do = "look at the block on Prefect's page: is it there, is its address right, does it answer?"
        got = type(error).__name__
        block = f"`{recipe.notify.block}` to deliver"
        say(Warned(mismatch(f"params/{recipe.name}.yaml", "notify.block", block, got, do)))


def _send(name: str, subject: str, body: str) -> None:
    from prefect.blocks import notifications  # noqa: F401 - where the types of blocks become known
    from prefect.blocks.abstract import NotificationBlock
    from prefect.blocks.core import Block

    block = Block.load(name)
    if not isinstance(block, NotificationBlock):
        raise TypeError(f"{name} is no notification block")
    with block.raise_on_failure():
        sent: Any = block.notify(body, subject)
        if inspect.iscoroutine(sent):  # where a block knows no other way
            asyncio.run(sent)
