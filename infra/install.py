"""Installs the libraries into an environment, and shows how far it is: `python infra/install.py .venv [--test]`.

It runs before anything is installed, so it needs the standard library alone. `uv` installs where it is there, pip
otherwise. Both check the sha256 of every file against the lists. PyTorch is not in a list, because which of its builds
is right depends on the machine: it comes last, in the version of `requirements.lock`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

LIST, LIST_OF_TESTS = "requirements.hashes", "requirements-test.hashes"
"""names, versions and sha256 of what is installed, made by `make lock`"""
EVERY_SECONDS, EVERY_SECONDS_IN_A_LOG = 1.0, 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Installs, and returns the exit code of what did it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("environment", type=Path)
    parser.add_argument("--test", action="store_true", help="what the tests need, beside what is there")
    asked = parser.parse_args(arguments)
    install, packages = installer(asked.environment), listed([LIST, *[LIST_OF_TESTS] * asked.test])
    for step in steps(asked.test):
        code = watched([*install, *step], asked.environment, packages)
        if code:
            return code
    return 0


def installer(environment: Path) -> list[str]:
    """Returns the words that begin an installation into `environment`; uv compiles no module unless it is told to."""
    python, uv = str(environment / "bin" / "python"), shutil.which("uv")
    return [uv, "pip", "install", "--compile-bytecode", "--python", python] if uv else [python, "-m", "pip", "install"]


def steps(test: bool) -> list[list[str]]:
    """Returns the options of each installation: first what has a hash, then PyTorch and the project itself."""
    hashed = ["--require-hashes", "--no-deps", "-r"]
    return [[*hashed, LIST_OF_TESTS]] if test else [[*hashed, LIST], ["-c", "requirements.lock", "-e", "."]]


def listed(lists: Sequence[str]) -> int:
    """Returns how many packages the lists name, PyTorch included; some are for other systems."""
    return 1 + sum("==" in line for name in lists for line in Path(name).read_text(encoding="utf-8").splitlines())


def watched(command: Sequence[str], environment: Path, packages: int) -> int:
    """Runs a command, shows how many packages are there, and its own words where it fails; returns its exit code."""
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT)
        shown(process, environment, packages, sys.stderr)
        if process.returncode:
            words.seek(0)
            sys.stderr.write(words.read())
        return process.returncode


def shown(process: "subprocess.Popen[bytes]", environment: Path, packages: int, screen: IO[str]) -> None:
    """Writes how far it is until the process ends: over and over on one line of a terminal, seldom in a log."""
    started, terminal = time.monotonic(), screen.isatty()
    ended = False
    while not ended:
        try:
            process.wait(EVERY_SECONDS if terminal else EVERY_SECONDS_IN_A_LOG)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        count = len([*environment.glob("lib/python*/site-packages/*.dist-info")])
        line = f"{count} of about {packages} packages installed, {time.monotonic() - started:.0f} s"
        screen.write(f"\r{line}" if terminal else f"{line}\n")
        screen.flush()
    screen.write("\n" if terminal else "")


if __name__ == "__main__":
    sys.exit(main())
