"""Whether the compiler that a description asks for is there, and makes code for AArch64."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sdfgen.build.toolchain import ZIG
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where

_ZIG_PACKAGE: Final = "ziglang"
_MACHINES: Final = ("aarch64-", "arm64-")
_PATIENCE_S: Final = 30
_DEBIAN: Final = "Debian's package gcc-aarch64-linux-gnu has `aarch64-linux-gnu-`"


def compiler_faults(cc: str, where: Where) -> Iterator[Fault]:
    """Yield what is wrong with the compiler.

    Args:
        cc: `zig`, or the prefix of a GCC.
        where: Where it is asked for.
    """
    from importlib.util import find_spec

    if find_spec(_ZIG_PACKAGE) is None:
        what = "compiles" if cc == ZIG else "links protection domains, whatever compiles"
        message = f"the Python package {_ZIG_PACKAGE} is not installed for {sys.executable}: it {what}"
        yield Fault("SDF172", message, where, f"pip install {_ZIG_PACKAGE}")
    if cc == ZIG:
        return
    if os.sep in cc and not os.path.isabs(cc):
        message = f"the prefix {cc!r} is a relative path, and compilers run in the output folder"
        yield Fault("SDF172", message, where, "write the whole path, or put its folder on PATH")
        return
    from shutil import which

    lacking = [program for program in (f"{cc}gcc", f"{cc}gcc-ar") if which(program) is None]
    if lacking:
        looked = "" if os.sep in cc else " on PATH"
        message = f"there is no program {' and no '.join(map(repr, lacking))}{looked}"
        yield Fault("SDF172", message, where, f"`cc` is the prefix of a GCC for AArch64: {_DEBIAN}; or use `zig`")
        return
    machine = _machine(f"{cc}gcc")
    if machine is None or not machine.startswith(_MACHINES):
        message = f"'{cc}gcc' compiles for {machine}, not for AArch64" if machine else f"'{cc}gcc' does not run"
        yield Fault("SDF172", message, where, f"`cc` is the prefix of a GCC for AArch64: {_DEBIAN}; or use `zig`")


def _machine(program: str) -> str | None:
    """Return what a compiler calls the machine that it compiles for; None when it does not run."""
    import subprocess

    try:
        done = subprocess.run(
            [program, "-dumpmachine"], capture_output=True, text=True, errors="replace", check=True, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
