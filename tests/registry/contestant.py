"""One of several machines that promote and roll back the same releases: a process with a state folder of its own.

python -m tests.registry.contestant SEED OPERATIONS
"""

import random
import sys
from datetime import UTC, datetime

from tasks.errors import InputError
from tasks.registry.promotion import carry_out, roll_back
from tasks.releases import Release
from tests.registry.made import PASSED

MODEL, RELEASES = "contested", 3


def take_part(seed: int, operations: int) -> None:
    """Promotes and rolls back at random."""
    draw = random.Random(seed)
    for _ in range(operations):
        if draw.random() < 0.3:
            try:
                roll_back(MODEL, "staging", f"contestant {seed}")
            except InputError:  # nothing was there before: an answer, not a fault
                continue
        else:
            carry_out(_release(draw.randint(1, RELEASES)), PASSED, f"contestant {seed}")


def _release(version: int) -> Release:
    return Release(
        model=MODEL,
        version=version,
        fingerprint=str(version),
        bundle=(),
        teacher_version=1,
        data_version="v",
        run_id="r",
        created=datetime.now(UTC),
    )


if __name__ == "__main__":
    take_part(int(sys.argv[1]), int(sys.argv[2]))
