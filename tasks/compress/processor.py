"""Which processor this is, and what a measurement here says of another one."""

import platform
from collections.abc import Mapping
from pathlib import Path

from params.compress import Target
from tasks.compress.operators import integer_operators

CPUINFO = Path("/proc/cpuinfo")
VNNI = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
ARM, X86 = frozenset({"aarch64", "arm64"}), frozenset({"x86_64", "amd64"})
SLOW = "x86"
"""the kind of processor on which sums of 8-bit products would overflow, and so take longer"""


def this_isa() -> str | None:
    """Returns the `isa` of a target that this machine would be; None where that cannot be found out.

    x86 outside of Linux does not say whether it has VNNI.
    """
    machine = platform.machine().lower()
    if machine in ARM:
        return "arm64"
    if machine not in X86 or not CPUINFO.is_file():
        return None
    return "x86-vnni" if VNNI & _flags(CPUINFO.read_text(encoding="utf-8", errors="replace")) else "x86"


def _flags(cpuinfo: str) -> set[str]:
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((set(value.split()) for name, _, value in lines if name.strip() == "flags"), set())


def notes_on(target: Target, executed: Mapping[str, int], here: str | None) -> tuple[str, ...]:
    """Returns what a person should know of a file that was measured `here` and is for another processor.

    Quality is that of the target, to rounding: the runtime takes kernels here that do not cut off sums of 8-bit
    products. Latency is not.
    """
    integers = integer_operators(executed) > 0
    if here == target.isa or ({here, target.isa} == {"x86", "x86-vnni"} and not integers):
        return ()
    where = f"an {here} processor" if here else "a processor of an unknown kind"
    slower = ", whose exact int8 kernels are slower" if here == SLOW and integers and target.isa != SLOW else ""
    do = f"measure on the device, or set `compress.target.isa: {here}` if this is its kind" if here else "measure there"
    return (f"latency was measured on {where}{slower}, not on the target `{target.isa}`: {do}",)
