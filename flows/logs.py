"""What Prefect's page of a flow run shows: the lines of the terminal, and errors as a person reads them there."""

import logging

from prefect.runtime import flow_run

from tasks.core.errors import StillhouseError
from tasks.runtime.errors import RuntimeBundleError

ENGINE = ("prefect.flow_runs", "prefect.task_runs")
"""loggers with which Prefect tells of what went wrong"""
_lines = logging.getLogger("prefect.extra.stillhouse")
"""Prefect sends what is written to it to its API, and nowhere else"""
_followed: dict[str, str] = {}


class _MessageAlone(logging.Filter):
    """Takes the traceback away from errors whose message is for a person."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, StillhouseError | RuntimeBundleError):
            record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        return True


def follow() -> None:
    """Sends the lines of this process to the flow run that is going on, until another one is followed."""
    if flow_run.id:
        _followed["flow_run_id"] = flow_run.id


def log_line(line: str) -> None:
    """Sends a line of the terminal to the flow run that is followed; does nothing where none is."""
    if _followed and line.strip():
        _lines.info("%s", line, extra=dict(_followed))


for name in ENGINE:
    logging.getLogger(name).addFilter(_MessageAlone())
