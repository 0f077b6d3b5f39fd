"""Which programs a build uses, and with which flags."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sdfgen.spec import ToolchainTable

# The warnings are the same everywhere; generated tables must be as clean as what we write.
WARNINGS = "-std=c11 -Wall -Wextra -Werror"
# -mstrict-align: UIO maps are Device memory, where an unaligned access faults.
# -g0 and the prefix map keep the machine's paths out of the objects.
COMMON = f"{WARNINGS} -O2 -g0 -mstrict-align -ffile-prefix-map=$root=."
LINUX_FLAGS = COMMON
PD_FLAGS = f"{COMMON} -ffreestanding -fno-stack-protector"


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
    if cc == "zig":
        zig = "$python -m ziglang cc -target"
        return Toolchain(
            f"{zig} aarch64-linux-musl",
            f"{zig} aarch64-freestanding",
            "-static -Wl,--build-id=none -Wl,-T,c/uio/discard_debug.ld",
            sdk,
            libvmm,
        )
    return Toolchain(f"{cc}gcc", f"{cc}gcc", "-static -Wl,--build-id=none", sdk, libvmm)
