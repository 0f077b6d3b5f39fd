"""Whether the compiler that a description asks for is there, and makes code for AArch64."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sdfgen.build.toolchain import LLD, ZIG, ZIG_EXTRA, ZIG_PACKAGE, has_zig
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where

_MACHINES: Final = ("aarch64-", "arm64-")
_PATIENCE_S: Final = 30
_PREFIX: Final = "aarch64-linux-gnu-"
_CROSS: Final = "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"
_NATIVE: Final = "gcc and libc6-dev"
"""Debian's packages, elsewhere and on AArch64 itself, where there are none of the others."""
_INSTALL: Final = f"pip install '{ZIG_EXTRA}'"


def compiler_faults(cc: str, where: Where, *, links_domains: bool) -> Iterator[Fault]:
    """Yield what is wrong with the compiler.

    Args:
        cc: `zig`, or the prefix of a GCC.
        where: Where it is asked for.
        links_domains: Protection domains are linked, which needs lld whatever compiles.
    """
    if cc == ZIG:
        if not has_zig():
            message = f"there is no compiler: the Python package {ZIG_PACKAGE} is not installed for {sys.executable}"
            advice = f'{_INSTALL}; or take a GCC, with `cc = "{_PREFIX}"` in [toolchain]: {_debian()}'
            yield Fault("SDF172", message, where, advice)
        return
    if os.sep in cc and not os.path.isabs(cc):
        message = f"the prefix {cc!r} is a relative path, and compilers run in the output folder"
        yield Fault("SDF172", message, where, "write the whole path, or put its folder on PATH")
        return
    from shutil import which

    if links_domains and not has_zig() and which(LLD) is None:
        message = f"{LLD}, which links protection domains whatever compiles, is not on PATH"
        yield Fault("SDF172", message, where, f"Debian's package lld has it; {ZIG_PACKAGE} has it, too: {_INSTALL}")
    lacking = [program for program in (f"{cc}gcc", f"{cc}gcc-ar") if which(program) is None]
    if lacking:
        looked = "" if os.sep in cc else " on PATH"
        message = f"there is no program {' and no '.join(map(repr, lacking))}{looked}"
        yield Fault("SDF172", message, where, f"`cc` is the prefix of a GCC for AArch64: {_debian()}; or use `zig`")
        return
    machine = _machine(f"{cc}gcc")
    if machine is None or not machine.startswith(_MACHINES):
        message = f"'{cc}gcc' compiles for {machine}, not for AArch64" if machine else f"'{cc}gcc' does not run"
        yield Fault("SDF172", message, where, f"`cc` is the prefix of a GCC for AArch64: {_debian()}; or use `zig`")


def _debian() -> str:
    return f"Debian's packages {_NATIVE if os.uname().machine == 'aarch64' else _CROSS} have `{_PREFIX}`"


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
