"""One of several machines that promote and roll back the same releases: a process with a state folder of its own.

python -m tests.registry.contestant SEED OPERATIONS
"""

import random
import sys

from tasks.core.errors import InputError
from tasks.registry.promotion import carry_out, roll_back
from tests.registry.made import PASSED, release

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
            version = draw.randint(1, RELEASES)
            carry_out(release(MODEL, version, str(version)), PASSED, f"contestant {seed}")


if __name__ == "__main__":
    take_part(int(sys.argv[1]), int(sys.argv[2]))
