"""libvmm, looked at before VMMs are linked with it: its folder, its library, what it was compiled for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from sdfgen.build.archive import ArchiveError, compiled_for, headers_compiled_with, read_archive
from sdfgen.build.toolchain import LIBVMM_ARCHIVE, board_folder
from sdfgen.facts.sdk import GEN_CONFIG
from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Source, Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.build.toolchain import Toolchain
    from sdfgen.model.system import System

_HEADERS: Final = os.path.join("include", "libvmm")
_MAIN_HEADER: Final = os.path.join(_HEADERS, "libvmm.h")
"""Since libvmm 0.2.0; 0.1.0 has a header for each part and none for all."""
_SOURCE: Final = "vmm.mk"
_ADVICE: Final = "name a folder with include/ and libvmm.a, or one with such folders as BOARD/CONFIG"
_USED_BY_LIBVMM: Final = ("microkit.h", os.path.join("interfaces", "sel4_client.h"))
"""Headers of the SDK whose functions libvmm calls, so that its debug information names them."""
_COMPILED_IN: Final = {
    "HARDWARE_DEBUG_API": ("and with it the number of each system call on a virtual machine", "error"),
    "MAX_NUM_NODES": ("for which libvmm sets up virtual CPUs differently", "warning"),
}
"""What of the kernel's configuration libvmm.a depends on, seen in seL4's invocation.h and libvmm's vcpu.c."""
_SHOWN: Final = 3
_SMC: Final = "microkit_arm_smc_call"
"""libvmm calls it since 0.1.0; Microkit has it since 2.0.0."""


def libvmm_faults(toolchain: Toolchain, where: Where, system: System) -> Iterator[Fault]:
    """Yield what is wrong with libvmm.

    Args:
        toolchain: The toolchain, which has a libvmm.
        where: Where it is named.
        system: The system that is built.
    """
    libvmm = str(toolchain.libvmm)
    if (shape := _no_libvmm(libvmm, where, system)) is not None:
        yield shape
        return
    library = os.path.join(libvmm, LIBVMM_ARCHIVE)
    try:
        archive = read_archive(library)
    except ArchiveError as error:
        yield Fault("SDF171", f"{library} {error}", where, "build libvmm.a anew, for AArch64")
        return
    except OSError as error:
        yield Fault("SDF171", f"{library} cannot be read: {error.strerror}", where, "make it readable")
        return
    yield from _old(libvmm, where)
    yield from _other_kernel(toolchain, library, archive, where, system)
    if toolchain.microkit_sdk is not None:
        include = os.path.join(toolchain.microkit_sdk, board_folder(system), "include")
        yield from _other_headers(library, archive, include, where)
        yield from _old_microkit(libvmm, include, where)


def _no_libvmm(libvmm: str, where: Where, system: System) -> Fault | None:
    """Return a fault for a folder that is not libvmm, with what it is and which would be right."""
    if not os.path.isdir(libvmm):
        return Fault("SDF101", f"there is no folder {libvmm}", where, _ADVICE)
    lacking = [name for name in (_HEADERS, LIBVMM_ARCHIVE) if not os.path.exists(os.path.join(libvmm, name))]
    if not lacking:
        return None
    board, config = system.board.name, system.config
    built = _built(libvmm)
    message = f"{libvmm} has no {', no '.join(lacking)}"
    advice = _ADVICE
    if built:
        message = f"{libvmm} has no libvmm for {board}/{config}; it has {', '.join(f'`{name}`' for name in built)}"
        advice = f"build it for this board and configuration too, as {os.path.join(libvmm, board, config)}"
    elif os.path.exists(os.path.join(libvmm, _SOURCE)):
        message = f"{libvmm} is libvmm's source, and {LIBVMM_ARCHIVE} was not built in it"
        advice = f"make it with {_SOURCE} for {board}/{config}; put include/ of libvmm and of sDDF beside it"
    elif near := list(_near(libvmm, board, config)):
        advice = f"name a folder that has one: {', '.join(near[:_SHOWN])}"
    return Fault("SDF101", message, where, advice)


def _built(folder: str) -> list[str]:
    """Return for which boards and configurations a folder has a libvmm, as BOARD/CONFIG."""
    paths = (os.path.join(board, config) for board in _folders(folder) for config in _folders(f"{folder}/{board}"))
    return [path for path in paths if _is_libvmm(os.path.join(folder, path))]


def _folders(path: str) -> list[str]:
    names = sorted(os.listdir(path))[:256]
    return [name for name in names if os.path.isdir(os.path.join(path, name))]


def _near(folder: str, board: str, config: str) -> Iterator[str]:
    """Yield the folders around one that are libvmm, or have it for a board and configuration."""
    above = os.path.dirname(folder)
    around = (above, os.path.dirname(above), *(os.path.join(folder, name) for name in _folders(folder)))
    yield from (path for path in around if _is_libvmm(path) or _is_libvmm(os.path.join(path, board, config)))


def _is_libvmm(folder: str) -> bool:
    return all(os.path.exists(os.path.join(folder, name)) for name in (_HEADERS, LIBVMM_ARCHIVE))


def _old(libvmm: str, where: Where) -> Iterator[Fault]:
    if not os.path.exists(os.path.join(libvmm, _MAIN_HEADER)):
        message = f"libvmm in {libvmm} has no {_MAIN_HEADER}, which it has since 0.2.0"
        yield Fault("SDF174", message, where, "bring libvmm 0.2.0: the VMMs are written for it")


def _other_kernel(toolchain: Toolchain, library: str, archive: bytes, where: Where, system: System) -> Iterator[Fault]:
    """Yield whether debug information names a board or configuration, and not the system's."""
    found = compiled_for(archive)
    board, config = system.board.name, system.config
    if not found or (board, config) in found:
        return
    other = min(found)
    message = f"{library} was compiled for {other.board}/{other.config}, the system is for {board}/{config}"
    advice = f"build libvmm with the headers of {board_folder(system)} in the SDK"
    if other.board != board:
        message += ": the addresses of the interrupt controller are compiled in"
        yield Fault("SDF171", message, where, advice)
    elif toolchain.microkit_sdk is not None:
        folder = os.path.join(toolchain.microkit_sdk, "board", board)
        for option, (why, severity) in _COMPILED_IN.items():
            values = [_options(os.path.join(folder, name)).get(option) for name in (other.config, config)]
            if None not in values and values[0] != values[1]:
                text = f"{message}: the kernels' {option} differs, {why}"
                yield Fault("SDF171", text, where, advice, severity=severity)


def _options(configuration: str) -> dict[str, object]:
    """Return a kernel's configuration; an empty one where it cannot be read."""
    try:
        with open(os.path.join(configuration, GEN_CONFIG), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _other_headers(library: str, archive: bytes, include: str, where: Where) -> Iterator[Fault]:
    """Yield whether some headers of the SDK went into the library, and others with the same name instead of the rest.

    That some did shows that its debug information tells files apart.
    """
    same = headers_compiled_with(archive, include, _USED_BY_LIBVMM)
    other = [name for name in _USED_BY_LIBVMM if name not in same and os.path.isfile(os.path.join(include, name))]
    if other and headers_compiled_with(archive, include, _headers_below(include)):
        message = f"{library} was compiled with another {other[0]} than the SDK's"
        there = Where(Source(os.path.join(include, other[0]), ""))
        note = (there, "its MD5 digest is not in the library's debug information, where those of other headers are")
        yield Fault("SDF171", message, where, "build libvmm.a against this SDK", (note,))


def _headers_below(folder: str) -> Iterator[str]:
    for path, _, names in os.walk(folder):
        yield from (os.path.relpath(os.path.join(path, name), folder) for name in names if name.endswith(".h"))


def _old_microkit(libvmm: str, include: str, where: Where) -> Iterator[Fault]:
    """Yield whether the SDK lacks a function that libvmm calls."""
    path = os.path.join(include, _USED_BY_LIBVMM[0])
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:  # told as a file that the SDK lacks
        return
    if _SMC not in text:
        message = f"libvmm in {libvmm} calls {_SMC}, which Microkit has since 2.0.0 and this SDK does not"
        note = (Where(Source(path, "")), "it would be declared here")
        yield Fault("SDF174", message, where, "bring an SDK from 2.0.0, and set `microkit`", (note,))
