"""A clock that is moved: a few lines of C, preloaded into real processes, which all read one offset from a shared file.

Debian's faketime 0.9.10 was tried: it moves the monotonic clock, too, and waits by that one then never end; told to
leave it alone, it makes `time.sleep` fail and Prefect's server hang.
"""

import os
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_name("moved_clock.c")
FILE = "MOVED_CLOCK"
TOLERANCE_SECONDS = 5


def moved(folder: Path) -> dict[str, str]:
    """Returns the variables under which a process and its children read their wall clock from a file in `folder`.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("`cc`: expected a C compiler on PATH, got none; install gcc or clang")
    library, file = folder / "moved_clock.so", folder / "clock"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True)
    file.write_bytes(struct.pack("q", 0))
    return {"LD_PRELOAD": str(library), FILE: str(file), "TZ": "UTC"}


def move_to(moment: datetime) -> None:
    """Sets the clock of this process and all others that read the same file; from there it goes on.

    Raises:
        RuntimeError: the clock did not move.
    """
    with Path(os.environ[FILE]).open("r+b") as file:
        (before,) = struct.unpack("q", file.read())
        file.seek(0)
        file.write(struct.pack("q", before + round((moment - datetime.now(UTC)).total_seconds())))
    if abs((datetime.now(UTC) - moment).total_seconds()) > TOLERANCE_SECONDS:
        raise RuntimeError(f"expected the clock to be at {moment}, got {datetime.now(UTC)}")
