"""What the C library does with memory that a training frees."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Of `malloc.h` in glibc; the man page mallopt(3) explains them.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4
WHILE_LEARNING = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1, M_TOP_PAD: 64 << 20}
"""nothing goes back to the kernel: large tensors come from the heap, too, and its free end is kept"""
ELSE = {M_MMAP_MAX: 65_536, M_MMAP_THRESHOLD: 32 << 20, M_TRIM_THRESHOLD: 64 << 20, M_TOP_PAD: 128 << 10}
"""once one of them is set, glibc adapts none to what a process does any more: these are where that ends with tensors of
many megabytes, instead of the 128 kilobytes where it begins"""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within, memory of freed tensors is used again and not given back; behind it, all that is free is given back.

    Each step of a training frees what the next one needs. By default glibc gives large pieces back at once, and the
    kernel then clears every page anew (`make bench-step` measures what that takes of a step). The price is a heap with
    gaps: 4.0 GB instead of 3.3 for an EfficientNet-Lite0 on batches of 32 pictures of 224 x 224. Other C libraries are
    left as they are.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        yield
        return
    _set(libc, WHILE_LEARNING)
    try:
        yield
    finally:
        _set(libc, ELSE)
        libc.malloc_trim(0)


def _set(libc: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        libc.mallopt(option, value)
