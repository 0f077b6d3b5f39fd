"""Which programs a build uses, and with which flags."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sdfgen.spec import ToolchainTable

WARNINGS = "-std=c11 -Wall -Wextra -Werror -Wconversion -Wpedantic"
# -mstrict-align: UIO maps are Device memory, where an unaligned access faults.
# -g0: debug information holds the machine's paths.
COMMON = f"{WARNINGS} -O2 -g0 -fno-lto -fno-pic -mstrict-align"
LINUX_FLAGS = COMMON
# The Microkit headers want GNU C.
PD_FLAGS = f"{COMMON} -std=gnu11 -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables"
LINK_FLAGS = "-static -no-pie -Wl,--build-id=none"
# Zig traps on undefined behaviour unless told otherwise; its musl carries debug information.
ZIG_FLAGS = "-fno-sanitize=undefined"
GNU_LINK_FLAGS = "-Wl,--strip-debug"
ZIG_LINK_FLAGS = "-Wl,-T,c/uio/discard_debug.ld"


class Toolchain(NamedTuple):
    """The programs of a build.

    Attributes:
        cc_linux: Command that compiles for Linux on AArch64.
        cc_pd: Command that compiles for protection domains.
        link_flags: How the Linux driver is linked.
        microkit_sdk: The Microkit SDK, or None.
        libvmm: libvmm, or None.
    """

    cc_linux: str
    cc_pd: str
    link_flags: str
    microkit_sdk: str | None
    libvmm: str | None


def find_toolchain(table: ToolchainTable | None) -> Toolchain:
    """Return the toolchain that a description asks for; the environment fills in what it leaves out.

    Args:
        table: Its `[toolchain]` table.
    """
    cc = table.cc if table else "zig"
    sdk = (table.microkit_sdk if table else None) or os.environ.get("MICROKIT_SDK")
    libvmm = (table.libvmm if table else None) or os.environ.get("LIBVMM")
    if cc != "zig":
        return Toolchain(f"{cc}gcc", f"{cc}gcc", f"{LINK_FLAGS} {GNU_LINK_FLAGS}", sdk, libvmm)
    zig = f"$python -m ziglang cc {ZIG_FLAGS} -target"
    return Toolchain(
        f"{zig} aarch64-linux-musl",
        f"{zig} aarch64-freestanding",
        f"{LINK_FLAGS} {ZIG_LINK_FLAGS}",
        sdk,
        libvmm,
    )
