"""What a deployment names: the flow of a schedule, whose events go to the terminal or the log of its process.

Prefect imports this module in the process of each run, and nothing else does: so the console listens there to the end.
"""

from cli.output.console import say, say_notice
from cli.output.stages import listen_to_stages
from cli.promote import refusal
from cli.run import say_run
from flows.run import RunEnded, refusals
from flows.scheduled import retrain_if_changed
from tasks.core.progress import Event, listen

__all__ = ["retrain_if_changed"]


def _say(event: Event) -> None:
    say_notice(event)
    say_run(event)
    if isinstance(event, RunEnded):
        for promotion in refusals(event.retrained.promotions)[:1]:
            for line in refusal(promotion).splitlines():
                say(line)


listen_to_stages()
listen(_say)
