"""The engines that train several students at once: task runners of Prefect, on this machine or on a cluster.

Processes, and not threads: a training seeds the generators of its whole process, so two in one would disturb each
other's draws, and neither would be the student that `stillhouse run` makes.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, cast

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from flows.sweep.worker_env import SOURCE
from params.sweep import Sweep

IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""what a worker of Dask begins with: its cluster ends it, and a Ctrl-C of its own would only make it complain"""


def task_runner(sweep: Sweep) -> TaskRunner[Any]:
    """Returns the task runner that a sweep names."""
    match sweep.runner:
        case "dask":
            return _dask(sweep)
        case "ray":
            return _ray(sweep)
        case _:
            return ProcessPoolTaskRunner(max_workers=sweep.workers, initializer=_end_with_parent)


def cores_for_each(sweep: Sweep) -> int:
    """Returns how many cores a student gets on this machine; 0 for what a cluster that is there gives it."""
    return 0 if sweep.address else max(1, len(os.sched_getaffinity(0)) // sweep.workers)


def _dask(sweep: Sweep) -> TaskRunner[Any]:
    from prefect_dask.task_runners import DaskTaskRunner

    if sweep.address:
        return DaskTaskRunner(address=sweep.address)
    local: dict[str, Any] = {"n_workers": sweep.workers, "threads_per_worker": 1, "processes": True}
    local |= {"dashboard_address": None, "preload": IGNORE_CTRL_C}
    return DaskTaskRunner(cluster_kwargs=local)


def _ray(sweep: Sweep) -> TaskRunner[Any]:
    from prefect_ray.task_runners import RayTaskRunner

    options: dict[str, Any] = {"log_to_driver": False, "runtime_env": {"env_vars": {"PYTHONPATH": _path()}}}
    if sweep.address:
        return cast(TaskRunner[Any], RayTaskRunner(address=sweep.address, init_kwargs=options))
    local = {"num_cpus": sweep.workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    return cast(TaskRunner[Any], RayTaskRunner(init_kwargs=options | local))


def _path() -> str:
    return os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))


@contextmanager
def children_ignore_ctrl_c() -> Iterator[None]:
    """Processes that begin in the block ignore Ctrl-C, which a terminal gives to all: we end them ourselves.

    They inherit what this thread has blocked; an initializer would come seconds of imports too late.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill_workers(sweep: Sweep) -> None:
    """Ends the students at once: a pool would wait until they are done. Clusters end theirs when they are closed."""
    if sweep.runner == "processes":
        for worker in multiprocessing.active_children():
            worker.kill()


def _end_with_parent() -> None:
    """Lets this worker end when the process that began it has ended, however that happened; a pool alone would not."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for, args=(parent.sentinel,), daemon=True).start()


def _wait_for(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
