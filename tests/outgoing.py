"""What a command sends to other machines, native code included: its system calls are watched, and its children's.

A look-up of a name is a packet as well, also where this machine's own resolver gets it: whatever goes to its port
counts. Python's audit events would not do, since they know nothing of what a library in C does.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.debian import required

SENT = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")
HERE = ("127.", "::1", "::ffff:127.")
NAMES = 53
"""the port of resolvers"""
RESOLVER = "io.systemd.Resolve"
"""the end of the socket of a resolver on this machine; nscd's socket is used for names of users as well"""
BUILD_SERVERS = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "BUILDKITE")
"""variables by which ONNX Runtime 1.32 knows a build server, where it sends nothing; a user has none of them"""
SECONDS, PATIENCE_SECONDS = 60.0, 180.0
"""how long a command is watched that ends when it is told to, and how long it may take until it works"""


def watched(command: list[str], log: Path) -> list[str]:
    """Returns a command that runs another, as on a user's machine, and writes what that sends into a file.

    It skips where no process can be watched.
    """
    strace = required(lambda: shutil.which("strace"), "strace")
    if subprocess.run([strace, "-qq", "-o", log, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may watch no process here")
    calls = ["-e", "trace=connect,sendto,sendmsg,sendmmsg"]
    on_a_users_machine = ["env", *(f"--unset={name}" for name in BUILD_SERVERS)]
    return [*on_a_users_machine, strace, "-f", "--seccomp-bpf", "-qq", *calls, "-o", str(log), *command]


def sent(log: Path) -> list[str]:
    """Returns each system call of a watched command that looks up a name or goes to another machine."""
    return [line for line in log.read_text(errors="replace").splitlines() if _leaves(line)]


def outgoing(command: list[str], log: Path, root: Path, environment: Mapping[str, str]) -> list[str]:
    """Runs a command to its end, which is to be a good one, and returns what it sent."""
    done = subprocess.run(watched(command, log), cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sent(log)


@contextmanager
def living(
    command: list[str], log: Path, root: Path, environment: Mapping[str, str], works: Callable[[str], bool]
) -> Iterator[None]:
    """Runs a command until it works, by what it has printed, and the block ends, then for the rest of a minute."""
    said, started = log.with_suffix(".said"), time.monotonic()
    with said.open("wb") as out:
        strace = subprocess.Popen(watched(command, log), cwd=root, env=environment, stdout=out, stderr=out)
    try:
        while not works(said.read_text()):
            assert strace.poll() is None, said.read_text()
            assert time.monotonic() < started + PATIENCE_SECONDS, said.read_text()
            time.sleep(0.5)
        yield
        time.sleep(max(0.0, started + SECONDS - time.monotonic()))
    finally:
        for child in psutil.Process(strace.pid).children():
            child.terminate()  # strace itself waits for it
        strace.wait(60)


def _leaves(line: str) -> bool:
    sent = SENT.findall(line)
    return RESOLVER in line or any(int(port) == NAMES or not host.startswith(HERE) for port, host in sent)
