"""The engines that train several students at once: task runners of Prefect, on this machine or on a cluster.

Processes, and not threads: a training seeds the generators of its whole process, so two in one would disturb each
other's draws, and neither would be the student that `stillhouse run` makes.
"""

import multiprocessing
import os
import threading
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from params.sweep import Sweep

SOURCE = Path(__file__).parents[1]
"""where `flows` and `tasks` are imported from: workers are to run the same code"""


def task_runner(sweep: Sweep) -> TaskRunner[Any]:
    """Returns the task runner that a sweep names."""
    match sweep.runner:
        case "dask":
            return _dask(sweep)
        case "ray":
            return _ray(sweep)
        case _:
            return _pool(sweep.workers)


def cores_for_each(sweep: Sweep) -> int:
    """Returns how many cores a student gets on this machine; 0 for what a cluster that is there gives it."""
    return 0 if sweep.address else max(1, len(os.sched_getaffinity(0)) // sweep.workers)


def _dask(sweep: Sweep) -> TaskRunner[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    if sweep.address:
        return DaskTaskRunner(address=sweep.address)
    local = {"n_workers": sweep.workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=local)


def _ray(sweep: Sweep) -> TaskRunner[Any]:
    from prefect_ray.task_runners import RayTaskRunner

    said: dict[str, Any] = {"log_to_driver": False, "runtime_env": {"env_vars": {"PYTHONPATH": _path()}}}
    if sweep.address:
        return cast(TaskRunner[Any], RayTaskRunner(address=sweep.address, init_kwargs=said))
    local = {"num_cpus": sweep.workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    return cast(TaskRunner[Any], RayTaskRunner(init_kwargs=said | local))


def _path() -> str:
    return os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))


def _pool(workers: int) -> TaskRunner[Any]:
    reader, writer = multiprocessing.get_context("spawn").Pipe(duplex=False)
    _lifelines.append(writer)
    return ProcessPoolTaskRunner(max_workers=workers, initializer=_hold_on, initargs=(reader,))


_lifelines: list[Connection] = []
"""of the pools of this process: their other ends are with the workers"""


def give_up() -> None:
    """Ends the workers of this process at once: a pool alone would wait until the students are done."""
    while _lifelines:
        _lifelines.pop().close()


def _hold_on(reader: Connection) -> None:
    """Lets this worker end when the process that began it gives it up, or has ended, however that happened."""
    threading.Thread(target=_wait_for, args=(reader,), daemon=True).start()


def _wait_for(reader: Connection) -> None:
    wait([reader])
    os._exit(1)
