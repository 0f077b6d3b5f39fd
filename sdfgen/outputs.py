"""Names of everything that a build puts into a board's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sdfgen.model.guest import Guest

MANIFEST: Final = "manifest.json"
GRAPH: Final = "build.ninja"
LOADER: Final = "loader.img"
REPORT: Final = "report.txt"
CAPDL: Final = "capdl.json"
"""The capDL specification, which tools from 2.1.0 on make of the system file: it has what is mapped where."""
ELF_FOLDER: Final = "elf"
"""The ELFs that are made, patched where that is asked for."""
C_FOLDER: Final = "c"
"""A link to the plain C of the tool, which is the same in every system."""
OBJECT_FOLDER: Final = "obj"
PATCH_STEPS: Final = ("first", "then")
"""ELFs that go into guests' initial RAM disks are patched first, all others then: they may hold those disks."""
TOOL_LOG: Final = f"{OBJECT_FOLDER}/microkit.log"
SDK_STAMP: Final = f"{OBJECT_FOLDER}/sdk.json"
"""Hashes of what is used of the SDK and libvmm: a new one makes everything anew that has to do with them."""
TOOLS_STAMP: Final = f"{OBJECT_FOLDER}/tools.json"
"""The same of the compiler and of what sdfgen makes guests' files with."""
FAILED_LOG: Final = f"{OBJECT_FOLDER}/failed.log"
"""All that failed steps wrote."""
LIBRARY: Final = f"{OBJECT_FOLDER}/libpd.a"
"""What protection domains are linked with that needs neither the SDK nor libvmm; each takes of it what it uses."""
GUEST_FOLDER: Final = "guest"
"""Guests' files that the build makes, and what they are made from."""


def elf(name: str) -> str:
    """Return where a finished ELF is."""
    return f"{ELF_FOLDER}/{name}"


def initrd(guest: Guest) -> str | None:
    """Return where a guest's initial RAM disk is made; None when nothing is appended to the author's."""
    return f"{GUEST_FOLDER}/{guest.name}.initrd" if guest.appended and guest.initrd_bytes is not None else None


def tree(guest: Guest, *, complete: bool) -> str | None:
    """Return a guest's device tree; None when there is none to start from.

    Args:
        guest: The guest.
        complete: The board's facts make a whole one.
    """
    if complete:
        return f"dtb/{guest.name}.dtb"
    return f"{GUEST_FOLDER}/{guest.name}.dtb" if guest.dtb is not None else None


def overlay(guest: Guest) -> str:
    """Return a guest's overlay in the form that is applied to the tree it starts from."""
    return f"dtb/{guest.name}.overlay.dtbo"


def object_of(flavour: str, source: str) -> str:
    """Return the object of a C file.

    Args:
        flavour: Whom it is compiled for.
        source: The file, in the board's folder.
    """
    return f"{OBJECT_FOLDER}/{flavour}/{source.removesuffix('.c')}.o"


def guest_object(name: str) -> str:
    """Return the object of a guest's files.

    Args:
        name: The guest.
    """
    return f"{OBJECT_FOLDER}/{GUEST_FOLDER}/{name}.o"


def patch_record(step: str) -> str:
    """Return what the patcher says it did in one of `PATCH_STEPS`."""
    return f"{OBJECT_FOLDER}/patch.{step}.json"


def patch_faults(step: str) -> str:
    """Return what the patcher says when it did nothing in one of `PATCH_STEPS`."""
    return f"{OBJECT_FOLDER}/patch.{step}.faults.json"
