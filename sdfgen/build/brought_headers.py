"""The headers of Microkit SDK and libvmm that compiles need: each is there before the first one starts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sdfgen import outputs
from sdfgen.build.graph import sources
from sdfgen.build.headers import missing, perhaps_missing
from sdfgen.build.plan import plan
from sdfgen.build.toolchain import LIBVMM, PD_FLAGS, SDK, board_folder
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.build.headers import Missing
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

_SDDF_FOLDERS: Final = ("include", "include/microkit", "include/sddf/util/custom_libc")
"""sDDF's folders with headers: its own, Microkit's `os/`, and the C library that libvmm is compiled with."""
_CHECKOUTS: Final = ("dep/sddf", "sddf", "../dep/sddf", "../sddf", "../../dep/sddf", "../../sddf")
"""Where sDDF lies, seen from libvmm or from a folder BOARD/CONFIG in it."""


def header_faults(toolchain: Toolchain, system: System, named: Mapping[str, Where]) -> Iterator[Fault]:
    """Yield a fault for the headers that compiles need of the SDK, and for those of libvmm, when some lie nowhere.

    Args:
        toolchain: The toolchain, in which nothing else is wrong.
        system: The system.
        named: Where SDK and libvmm are named, by their variables.
    """
    foreign = _folders(toolchain, system)
    templates = data_path("templates")
    files = [name for (_, name), with_sdk in sources(plan(system, toolchain), toolchain).items() if with_sdk]
    own = os.path.join(templates, outputs.C_FOLDER, "include")
    perhaps = perhaps_missing([os.path.join(templates, name) for name in files], [own, *foreign.values()])
    if perhaps:
        lacking = missing(perhaps, files, _command(toolchain, own, foreign), templates)
        for whose, folder in foreign.items():
            of_it = [one for one in lacking if _whose(one, foreign) == whose]
            if of_it:
                yield _fault(of_it, whose, folder, named[whose])


def _folders(toolchain: Toolchain, system: System) -> dict[str, str]:
    """Return the include folders of what the user brings."""
    found = {}
    if toolchain.microkit_sdk:
        found[SDK] = os.path.join(toolchain.microkit_sdk, board_folder(system), "include")
    if toolchain.libvmm:
        found[LIBVMM] = os.path.join(toolchain.libvmm, "include")
    return found


def _command(toolchain: Toolchain, own: str, foreign: dict[str, str]) -> list[str]:
    """Return the compile of a domain's C as the build graph has it."""
    import shlex

    words = [sys.executable if word == "$python" else word for word in shlex.split(toolchain.cc_pd)]
    return [*words, *PD_FLAGS.split(), f"-I{own}", *(w for path in foreign.values() for w in ("-isystem", path))]


def _whose(one: Missing, foreign: Mapping[str, str]) -> str:
    """Return what lacks a header: that which includes it, or whose name it bears in C of ours."""
    within = (name for name, folder in foreign.items() if one.includer.startswith(folder + os.sep))
    return next(within, SDK if one.name == "microkit.h" else LIBVMM)


def _fault(lacking: list[Missing], whose: str, folder: str, where: Where) -> Fault:
    first, *more = lacking
    message = f"{_shown(first, folder)} includes {first.name}, which is not in {folder}"
    if more:
        message += f"; nor {'is' if len(more) == 1 else 'are'} {', '.join(one.name for one in more)}"
    notes = tuple((one.where, f"{one.name} is included here") for one in lacking)
    advice = dict.fromkeys(_advice(one.name, whose, folder) for one in lacking)
    return Fault("SDF170", message, where, "; ".join(advice), notes)


def _shown(one: Missing, folder: str) -> str:
    """Return who includes a header, as others include it."""
    path = one.includer
    return path.removeprefix(folder + os.sep) if path.startswith(folder + os.sep) else os.path.basename(path)


def _advice(name: str, whose: str, folder: str) -> str:
    if whose == SDK:
        return "unpack the Microkit SDK anew: its releases have this file"
    libvmm = os.path.dirname(folder)
    paths = (os.path.join(libvmm, top, below) for top in _CHECKOUTS for below in _SDDF_FOLDERS)
    found = next((os.path.normpath(path) for path in paths if os.path.isfile(os.path.join(path, name))), None)
    if found:
        return f"it is in {found}: copy what that folder holds into {folder}"
    if name.startswith("libvmm/"):
        return f"copy libvmm's include/ into {folder}"
    first, *middle, last = (f"{one}/" for one in _SDDF_FOLDERS)
    return f"copy what sDDF has in {', '.join((first, *middle))} and {last} into {folder}"
