"""Two trainings at once, where neither needs the other: the student without its teacher, and the student."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

import torch

from params.pipeline import Recipe
from tasks.training.distributed.launch import end_launched
from tasks.training.distributed.threads import sharing

T = TypeVar("T")
AT_ONCE = 2


def can_share(recipe: Recipe) -> bool:
    """Returns whether two networks of a recipe are trained at once: each has a core, and there is no GPU to share.

    Several processes of one training have taken the cores already.
    """
    return len(os.sched_getaffinity(0)) >= AT_ONCE and not torch.cuda.is_available() and recipe.student.processes == 1


@contextmanager
def beside(apart: Callable[[], T], at_once: bool) -> Iterator[Callable[[], T]]:
    """Lets one training go on while the block does another; yields what returns its result, or raises its error.

    Each has its share of the cores, also where the other turns out to be done already.

    Args:
        apart: trains in a process of its own, which a thread of this one waits for: a training seeds the generators of
            random numbers of its whole process.
        at_once: False to do it before the block.
    """
    if not at_once:
        done = apart()
        yield lambda: done
        return
    thread = ThreadPoolExecutor(1, "apart")
    with sharing(AT_ONCE):
        other = thread.submit(copy_context().run, apart)
        try:
            yield other.result
            other.exception()  # waits, so that Ctrl-C is met here
        except BaseException:
            end_launched()
            raise
        finally:
            thread.shutdown()
