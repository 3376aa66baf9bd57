"""Releases that are made under kills, one after the other, and what was wrong with them."""

import math
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from benchmarks.soak.kills import Kill, Start, orphans, planned, start
from benchmarks.soak.outcome import Outcome, differences, leader_is_whole, outcome_of
from benchmarks.soak.world import Setting, World

GRACE_SECONDS = 15.0
"""that processes of a killed command may live on, after the last start of its release has ended"""
FAULTS = (
    *("lost versions", "duplicate versions", "wrong champions", "orphan processes", "runs left open"),
    *("unequal results", "damaged or partial files", "leftovers", "restarts that failed"),
)
_KINDS = {"champions": FAULTS[2], "history": FAULTS[2], "files": FAULTS[5], "metrics": FAULTS[5]} | {
    "left_open": FAULTS[4],
    "broken": FAULTS[6],
    "leftovers": FAULTS[7],
}
_READ = ("tasks.registry.lineage.project", "tasks.registry.promotion", "tasks.tracking.runs")
Say = Callable[[str], None]


@dataclass
class Tally:
    """What happened in a soak, and everything that was wrong, by kind."""

    kills: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    too_late: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """setting -> duration of the undisturbed run"""
    wrong: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in FAULTS})

    @property
    def killed(self) -> int:
        """How many kills hit."""
        return self.stages.total()

    @property
    def faults(self) -> list[str]:
        """Everything that was wrong, in words."""
        return [f"{kind}: {line}" for kind, lines in self.wrong.items() for line in lines]


@dataclass(frozen=True)
class Place:
    """A world, and what the undisturbed run made of it in how many seconds."""

    world: World
    expected: Outcome
    seconds: float


class Soak:
    """Makes releases under kills in worlds below `folder`, until so many kills have hit.

    Args:
        folder: for the worlds; what was wrong stays in it.
        server: address and database of a Prefect server of a team.
        seed: decides when and how is killed, and nothing else.
        say: is told a line per release.
    """

    def __init__(self, folder: Path, server: tuple[str, Path], seed: int, say: Say) -> None:
        self._folder, self._server, self._draw, self._say = folder, server, random.Random(seed), say
        self._places: dict[str, Place] = {}
        self.tally = Tally()
        forks = get_context("forkserver")
        forks.set_forkserver_preload([*_READ])
        # A process for each reading: databases stay open in it, and the files beneath them are replaced.
        self._readers = ProcessPoolExecutor(1, mp_context=forks, max_tasks_per_child=1)

    def until(self, kills: int, settings: Sequence[Setting], seconds: float = math.inf) -> Tally:
        """Returns what happened until `kills` kills had hit or the time was over, and the last release was done."""
        began = time.monotonic()
        for number in range(100 * kills):
            if self.tally.killed >= kills or time.monotonic() - began > seconds:
                break
            self._release(number, self._place(settings[number % len(settings)]), kills - self.tally.killed)
        self._readers.shutdown()
        return self.tally

    def _place(self, setting: Setting) -> Place:
        """Returns the world of a setting, made and run undisturbed where it is asked for the first time."""
        if setting.name not in self._places:
            world = World(self._folder / setting.name, setting, *self._server)
            began = time.perf_counter()
            world.run(*setting.overrides)
            seconds = time.perf_counter() - began
            place = Place(world, self._read(world), seconds)
            if bad := (*place.expected.broken, *place.expected.left_open, *place.expected.leftovers):
                raise ChildProcessError(f"the undisturbed run of `{setting.name}` left: {bad}")
            self._places[setting.name], self.tally.seconds[setting.name] = place, seconds
            self._say(f"{setting.name}: undisturbed in {seconds:.1f} s")
        return self._places[setting.name]

    def _read(self, world: World) -> Outcome:
        return self._readers.submit(outcome_of, world.root, world.prefect).result()

    def _release(self, number: int, place: Place, left: int) -> None:
        """Makes a release under up to `left` kills, and compares."""
        place.world.put_back()
        self.tally.releases[place.world.setting.name] += 1
        kills = planned(self._draw, self.tally.killed, left, place.seconds)
        starts = [*self._starts(place.world, number, kills)]
        hit = [one.stage for one in starts if one.stage]
        name = f"release {number} ({place.world.setting.name}): killed in {', '.join(hit) or 'nothing'}"
        found = [*self._found(place, starts)]
        for kind, line in found:
            self.tally.wrong[kind].append(f"{name}: {line}")
        if found:
            self._keep(number, place.world)
        self._say(f"{name}: {'; '.join(f'{kind}: {line}' for kind, line in found) or 'as undisturbed'}")

    def _starts(self, world: World, number: int, kills: Sequence[Kill]) -> Iterator[Start]:
        """Starts the command, kills it as was meant, and starts it again until it has come to its end."""
        for place, kill in enumerate([*kills, None]):
            began = start(world, f"{self._folder.name}-{number}-{place}", kill)
            self.tally.starts += 1
            yield began
            if began.stage is None:
                self.tally.too_late += kill is not None
                return
            assert kill is not None
            self.tally.stages[began.stage] += 1
            self.tally.kills[f"{kill.signal.name} to {'all its processes' if kill.tree else 'the command alone'}"] += 1
            if kill.tree:  # else the next start comes at once, while others of its processes may still be there
                self._look_at_leader(world, f"release {number}, {kill} in {began.stage}")

    def _look_at_leader(self, world: World, name: str) -> None:
        """Notes where the release that leads is not whole right after a kill."""
        damaged = self._readers.submit(leader_is_whole, world.root).result()
        self.tally.wrong[FAULTS[6]] += [f"{name}: {line}" for line in damaged]

    def _found(self, place: Place, starts: Sequence[Start]) -> Iterator[tuple[str, str]]:
        """Yields kind and words of everything that is wrong with a release that was killed and made."""
        last = starts[-1]
        if last.code:
            yield FAULTS[8], f"{last.ended}: {last.said[-2000:]}"
        yield from ((FAULTS[3], line) for line in orphans([one.mark for one in starts], GRACE_SECONDS))
        try:
            got = self._read(place.world)
        except Exception as error:  # whatever a broken world raises when it is read
            yield FAULTS[6], f"it cannot be read: {error!r}"
            return
        yield from wrong_with(place.expected, got)

    def _keep(self, number: int, world: World) -> None:
        """Keeps a world in which something is wrong."""
        shutil.copytree(world.root, self._folder / f"wrong-{number}", symlinks=True)


def wrong_with(expected: Outcome, got: Outcome) -> Iterator[tuple[str, str]]:
    """Yields kind and words of everything in which an outcome is not the one that was expected."""
    yield from ((FAULTS[0], str(one)) for one in _without(expected, got))
    yield from ((FAULTS[1], str(one)) for one in _without(got, expected))
    for line in differences(expected, got):
        kind = _KINDS.get(line.partition(":")[0])
        yield from [(kind, line)] if kind else []


def _without(some: Outcome, others: Outcome) -> list[object]:
    """Returns the versions and releases that one outcome has and the other has not."""
    had: list[object] = [*some.versions, *some.releases]
    return [one for one in had if one not in (*others.versions, *others.releases)]
