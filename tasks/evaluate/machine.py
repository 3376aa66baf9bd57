"""The machine that latencies were measured on, and what else it had to do meanwhile."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from tasks.contracts.scores import Machine

CPUINFO, STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
MODEL = ("model name", "Model", "Hardware")
"""names of the line in `/proc/cpuinfo` that says which processor it is: on x86, and on boards with ARM"""
BUSY = 0.25
"""cores that others may use without a word"""


@dataclass(frozen=True)
class Watch:
    """Started before a measurement; `seen` says afterwards what went on beside it."""

    load: float | None = field(default_factory=lambda: _load())
    others: float | None = field(default_factory=lambda: _seconds_of_others())
    started: float = field(default_factory=perf_counter)

    def seen(self, threads: int) -> Machine:
        """Returns the machine, and how busy it was since the start; `threads` is what a model was given."""
        now = _seconds_of_others()
        spent = None if now is None or self.others is None else max(0.0, now - self.others)
        return Machine(
            processor=_processor(),
            cores=os.cpu_count() or 1,
            threads=threads,
            load_before=self.load,
            load_after=_load(),
            others=None if spent is None else spent / (perf_counter() - self.started),
        )


def busy_note(machine: Machine) -> str:
    """Returns a sentence where other processes left no core alone to the models, else an empty text."""
    if machine.others is None or machine.others <= max(BUSY, (machine.cores - machine.threads) / 2):
        return ""
    return (
        f"the machine was busy: other processes used {machine.others:.1f} of its {machine.cores} cores while latency"
        " was measured; measure again on a quiet one"
    )


def _load() -> float | None:
    """Returns the average of the last minute; None where the system keeps none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _seconds_of_others() -> float | None:
    """Returns the seconds that all cores have worked for others than this process and its children; None off Linux."""
    if not STAT.is_file():
        return None
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, STAT.read_text().splitlines()[0].split()[1:])
    own = os.times()
    mine = own.user + own.system + own.children_user + own.children_system
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK") - mine


def _processor() -> str:
    """Returns the name of the processor as the system has it, else that of its architecture."""
    lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines() if CPUINFO.is_file() else []
    named = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    found = next((named[name] for name in MODEL if named.get(name)), platform.processor())
    return f"{found} ({platform.machine()})" if found and found != platform.machine() else platform.machine()
