"""Which programs a build uses, and with which flags."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.source import Source, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.system import System
    from sdfgen.spec.description import ToolchainTable

WARNINGS = "-std=c11 -Wall -Wextra -Werror -Wconversion -Wpedantic"
# -mstrict-align: UIO maps are Device memory, where an unaligned access faults.
# -g0: debug information holds the machine's paths.
COMMON = f"{WARNINGS} -O2 -g0 -fno-lto -fno-pic -mstrict-align"
LINUX_FLAGS = COMMON
# The Microkit headers want GNU C.
PD_FLAGS = f"{COMMON} -std=gnu11 -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables"
# A domain that uses the FPU costs a trap each time a guest used it meanwhile. (Zig heeds no -mgeneral-regs-only.)
GNU_WITHOUT_FPU = "-mgeneral-regs-only"
ZIG_WITHOUT_FPU = "-mcpu=generic-fp_armv8-neon"
LINK_FLAGS = "-static -no-pie -Wl,--build-id=none"
# Zig traps on undefined behaviour unless told otherwise; its musl carries debug information.
ZIG_FLAGS = "-fno-sanitize=undefined"
GNU_LINK_FLAGS = "-Wl,--strip-debug"
ZIG_LINK_FLAGS = "-Wl,-T,c/uio/discard_debug.ld"
# GNU ld refuses libvmm.a, some of whose files take libmicrokit's IPC buffer for a thread-local variable.
LLD = "ld.lld"
_LLD_FLAGS = "--build-id=none --strip-debug"
PD_LINKER = f"$python -m ziglang {LLD} {_LLD_FLAGS}"

ZIG = "zig"
ZIG_PACKAGE = "ziglang"
ZIG_EXTRA = "sdfgen-vm[zig]"
"""What brings it."""
SDK = "MICROKIT_SDK"
LIBVMM = "LIBVMM"
TOOL = "bin/microkit"
"""The Microkit tool in its SDK."""
LIBVMM_ARCHIVE = "libvmm.a"
HEADERS = "include"
# Of the headers the one that has functions of Microkit's; the others are the kernel's, and change with the library.
_BOARD_FILES = ("lib/libmicrokit.a", "lib/microkit.ld", "include/microkit.h")


class Toolchain(NamedTuple):
    """The programs of a build.

    Attributes:
        cc_linux: Command that compiles for Linux on AArch64.
        cc_pd: Command that compiles for protection domains.
        link_flags: How the Linux driver is linked.
        ar: Command that makes archives.
        ld_pd: Command that links protection domains.
        pd_libraries: Libraries of the compiler's that they need.
        microkit_sdk: The Microkit SDK, or None.
        libvmm: libvmm, or None.
        places: Where each of `cc`, MICROKIT_SDK and LIBVMM that is used was named.
    """

    cc_linux: str
    cc_pd: str
    link_flags: str
    ar: str
    ld_pd: str
    pd_libraries: str
    microkit_sdk: str | None
    libvmm: str | None
    places: dict[str, Where]

    def sdk_files(self, system: System) -> dict[str, str]:
        """Return the SDK's and libvmm's files that a build reads: path by name."""
        found: dict[str, str] = {}
        if self.microkit_sdk:
            board = board_folder(system)
            names = ("VERSION", TOOL, *(f"{board}/{name}" for name in _BOARD_FILES))
            found |= {f"{SDK}/{name}": os.path.join(self.microkit_sdk, name) for name in names}
            from sdfgen.facts.sdk import fact_files

            facts = fact_files(self.microkit_sdk, system.board.name, system.config)
            found |= {f"{SDK}/{name}": path for name, path in facts.items()}
        if self.libvmm:
            found[f"{LIBVMM}/{LIBVMM_ARCHIVE}"] = os.path.join(self.libvmm, LIBVMM_ARCHIVE)
        return found

    def headers(self, system: System) -> dict[str, str]:
        """Return the headers that the SDK and libvmm have for a system's board: path by name."""
        found: dict[str, str] = {}
        if self.microkit_sdk:
            found |= _files_below(self.microkit_sdk, f"{board_folder(system)}/{HEADERS}", SDK)
        if self.libvmm:
            found |= _files_below(self.libvmm, HEADERS, LIBVMM)
        return found


def _files_below(root: str, folder: str, variable: str) -> dict[str, str]:
    top = os.path.join(root, folder)
    paths = [os.path.join(base, name) for base, _, names in os.walk(top, followlinks=True) for name in names]
    return {f"{variable}/{os.path.relpath(path, root)}": path for path in sorted(paths)}


def board_folder(system: System) -> str:
    """Return where the SDK has what belongs to a system's board and configuration."""
    return f"board/{system.board.name}/{system.config}"


def find_toolchain(table: ToolchainTable | None, system: System) -> Toolchain:
    """Return the toolchain that a description asks for; the environment fills in what it leaves out.

    Args:
        table: Its `[toolchain]` table.
        system: The system that is built.
    """
    cc = table.cc if table else ZIG
    places = dict(_places(table))
    sdk = _folder(system, table.microkit_sdk if table else None, SDK)
    libvmm = _of_board(system, _folder(system, table.libvmm if table else None, LIBVMM))
    if cc != ZIG:
        return Toolchain(
            cc_linux=f"{cc}gcc",
            cc_pd=f"{cc}gcc {GNU_WITHOUT_FPU}",
            link_flags=f"{LINK_FLAGS} {GNU_LINK_FLAGS}",
            ar=f"{cc}gcc-ar",
            ld_pd=PD_LINKER if has_zig() else f"{LLD} {_LLD_FLAGS}",
            pd_libraries=f"$$({cc}gcc -print-libgcc-file-name)",
            microkit_sdk=sdk,
            libvmm=libvmm,
            places=places,
        )
    zig = "$python -m ziglang"
    return Toolchain(
        cc_linux=f"{zig} cc {ZIG_FLAGS} -target aarch64-linux-musl",
        cc_pd=f"{zig} cc {ZIG_FLAGS} -target aarch64-freestanding {ZIG_WITHOUT_FPU}",
        link_flags=f"{LINK_FLAGS} {ZIG_LINK_FLAGS}",
        ar=f"{zig} ar",
        ld_pd=PD_LINKER,
        pd_libraries="",
        microkit_sdk=sdk,
        libvmm=libvmm,
        places=places,
    )


def has_zig() -> bool:
    """Tell whether the default compiler is installed: an extra, since it is ten times as large as all the rest."""
    from importlib.util import find_spec

    return find_spec(ZIG_PACKAGE) is not None


def _places(table: ToolchainTable | None) -> Iterator[tuple[str, Where]]:
    """Yield where what the build uses was named: in the description, or in the environment."""
    if table is not None and table.given("cc"):
        yield "cc", table.at("cc")
    for key, variable in ((SDK.lower(), SDK), (LIBVMM.lower(), LIBVMM)):
        if table is not None and table.given(key):
            yield variable, table.at(key)
        elif os.environ.get(variable):
            yield variable, Where(Source(f"environment variable {variable}", os.environ[variable]))


def _folder(system: System, written: str | None, variable: str) -> str | None:
    """Return a folder that starts at the description's when it is written there, at the current one otherwise."""
    if written:
        return os.path.abspath(os.path.join(system.folder, written))
    found = os.environ.get(variable)
    return os.path.abspath(found) if found else None


def _of_board(system: System, libvmm: str | None) -> str | None:
    """Prefer what was built for the board and configuration: libvmm.a has their addresses compiled in."""
    own = os.path.join(libvmm or "", system.board.name, system.config)
    return own if libvmm and os.path.isdir(own) else libvmm
