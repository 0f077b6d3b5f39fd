"""What the user brings, looked at before it is used: the compiler, the Microkit SDK and libvmm.

A fault names the folder or file that is wrong, and the right one where it was found.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sdfgen.build.compiler import compiler_faults
from sdfgen.build.toolchain import LIBVMM, SDK, TOOL, ZIG
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.build.toolchain import Toolchain
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System
    from sdfgen.spec.description import ToolchainTable

_OF_SDK: Final = ("VERSION", "board", os.path.dirname(TOOL))
"""What makes a folder a Microkit SDK."""
_LEVELS_UP: Final = 4
"""As deep as an SDK's own folders with headers lie in it."""
_MOST_FOLDERS: Final = 256
_SHOWN: Final = 3
_ELF_MACHINE: Final = slice(18, 20)
_MACH_O: Final = b"\xcf\xfa\xed\xfe"
_UNPACK: Final = "name the unpacked release of a Microkit SDK"


def toolchain_faults(
    toolchain: Toolchain, table: ToolchainTable | None, system: System, *, compiles: bool = True
) -> Iterator[Fault]:
    """Yield what is wrong with what the user brings.

    Args:
        toolchain: The toolchain.
        table: The description's `[toolchain]`.
        system: The system that is built.
        compiles: The compiler is used.
    """
    named = toolchain.places
    cc, where = (table.cc, table.at("cc")) if table else (ZIG, system.origin.at("toolchain"))
    links = toolchain.microkit_sdk is not None
    found = list(compiler_faults(cc, where, links_domains=links)) if compiles else []
    if toolchain.microkit_sdk is not None:
        found += _sdk_faults(toolchain, toolchain.microkit_sdk, named[SDK], system)
    if toolchain.libvmm is not None:
        from sdfgen.build.brought_libvmm import libvmm_faults

        found += libvmm_faults(toolchain, named[LIBVMM], system)
    yield from found
    if compiles and toolchain.microkit_sdk is not None and not any(fault.severity == "error" for fault in found):
        from sdfgen.build.brought_headers import header_faults

        yield from header_faults(toolchain, system, named)


def _sdk_faults(toolchain: Toolchain, sdk: str, where: Where, system: System) -> Iterator[Fault]:
    if (shape := _no_sdk(sdk, where)) is not None:
        yield shape
        return
    if (other := _no_board(sdk, where, system)) is not None:
        yield other
        return
    files = toolchain.sdk_files(system)
    lacking = [name for name, path in files.items() if name.startswith(f"{SDK}/") and not os.path.isfile(path)]
    if lacking:
        message = f"{sdk} has no {', no '.join(name.removeprefix(f'{SDK}/') for name in lacking)}"
        yield Fault("SDF101", message, where, "unpack the Microkit SDK anew: its releases have these files")
        return
    yield from _wrong_version(sdk, where, system)
    yield from _tool_faults(os.path.join(sdk, TOOL), where)


def _no_sdk(sdk: str, where: Where) -> Fault | None:
    """Return a fault for a folder that is no SDK, and which is one: above it or directly below."""
    if not os.path.isdir(sdk):
        return Fault("SDF101", f"there is no folder {sdk}", where, _UNPACK)
    lacking = [name for name in _OF_SDK if not os.path.exists(os.path.join(sdk, name))]
    if not lacking:
        return None
    near = list(_near(sdk))[:_SHOWN]
    advice = f"name a folder that is one: {', '.join(near)}" if near else _UNPACK
    return Fault("SDF101", f"{sdk} is no Microkit SDK: it has no {', no '.join(lacking)}", where, advice)


def _near(folder: str) -> Iterator[str]:
    """Yield the SDKs around a folder."""
    above = folder
    for _ in range(_LEVELS_UP):
        above = os.path.dirname(above)
        if _is_sdk(above):
            yield above
    below = sorted(os.listdir(folder))[:_MOST_FOLDERS]
    yield from (path for name in below if _is_sdk(path := os.path.join(folder, name)))


def _is_sdk(folder: str) -> bool:
    return all(os.path.exists(os.path.join(folder, name)) for name in _OF_SDK)


def _no_board(sdk: str, where: Where, system: System) -> Fault | None:
    """Return a fault for a board or configuration that an SDK does not have, with those it has."""
    from sdfgen.facts.sdk import boards_of

    boards, name, config = boards_of(sdk), system.board.name, system.config
    at = (system.origin.at("config"), "the configuration is chosen here")
    if name not in boards:
        message = f"the SDK in {sdk} has no board `{name}`; it has {_listed(boards)}"
        return Fault("SDF101", message, where, "name an SDK that has this board, or build for one of these")
    configs = sorted(os.listdir(os.path.join(sdk, "board", name)))
    if config in configs:
        return None
    message = f"the SDK in {sdk} has no configuration `{config}` of `{name}`; it has {_listed(configs)}"
    return Fault("SDF101", message, where, "name an SDK that has it, or set `config` to one of these", (at,))


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _wrong_version(sdk: str, where: Where, system: System) -> Iterator[Fault]:
    with open(os.path.join(sdk, "VERSION"), encoding="utf-8", errors="replace") as file:
        version = file.read().strip()
    if version.split("-")[0] != system.dialect.version:
        message = f"the SDK in {sdk} is Microkit {version}, the description is for {system.dialect.version}"
        advice = f"name an SDK of {system.dialect.version}, or set `microkit`"
        yield Fault("SDF101", message, system.origin.at("microkit"), advice, ((where, "the SDK is named here"),))


def _tool_faults(tool: str, where: Where) -> Iterator[Fault]:
    """Yield why the Microkit tool cannot run: it is no program, or one for another machine."""
    with open(tool, "rb") as file:
        head = file.read(64)
    if not os.access(tool, os.X_OK):
        yield Fault("SDF173", f"{tool} may not be executed", where, f"chmod +x {tool}, or unpack the SDK anew")
    elif sys.platform != "linux":
        return  # whatever the host's programs are
    elif head[:4] == b"\x7fELF" and (machine := head[_ELF_MACHINE]) != _own_machine():
        number = int.from_bytes(machine, "little")
        message = f"{tool} is for another machine than this one ({os.uname().machine}): ELF machine {number}"
        yield Fault("SDF173", message, where, "there is an SDK for each kind of host: name the one for this")
    elif head[:4] != b"\x7fELF" and head[:2] != b"#!":
        kind = "a program of macOS" if head[:4] == _MACH_O else "no program"
        yield Fault(
            "SDF173", f"{tool} is {kind}", where, "there is an SDK for each kind of host: name the one for Linux"
        )


def _own_machine() -> bytes:
    """Return the ELF machine of this very process."""
    with open("/proc/self/exe", "rb") as file:
        return file.read(64)[_ELF_MACHINE]
