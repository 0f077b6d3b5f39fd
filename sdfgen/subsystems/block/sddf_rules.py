"""Whether a program image holds the structure that sDDF 0.7 tells a client of its disk in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import Fault
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.subsystems.block.sddf import MAGIC, MAGIC_MEMBER, MEMBERS, SECTION, VERSION, Member, SddfOrigin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patcher import TypeLeaf
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

_SHOWN: Final = 4
_ADVICE: Final = {
    "PATCH012": 'keep its attribute section(".blk_client_config"), and no @nobits with it',
    "PATCH021": 'let it hold one: __attribute__((section(".blk_client_config"))) blk_client_config_t config;',
    "PATCH022": "compile it with -g, and do not strip it: the layout is compared with the program's own types",
}
"""What to do, by what the patcher found."""


def structures(system: System) -> Iterator[Fault]:
    """Yield what is wrong with the structures of the images that exist.

    Args:
        system: The system.
    """
    domains = {pd.name: pd for pd in system.all_pds()}
    for disk in (disk for block in blocks_of(system) for disk in block.disks if disk.sddf):
        image = domains[disk.pd].program_image
        path = os.path.join(system.folder, image)
        if os.path.isfile(path):
            yield from _structure(path, f"{image!r} of `{disk.pd}`", disk_origin(system, image))


def disk_origin(system: System, image: str) -> Where:
    """Return the place of the key that asks for the structure in an image."""
    return next(
        patch.origin.at("sddf")
        for patch in system.patches
        if patch.elf == image and isinstance(patch.origin, SddfOrigin)
    )


def _structure(path: str, who: str, place: Where) -> Iterator[Fault]:
    from patcher import PatchError, describe_type

    try:
        differing = list(_differences(describe_type(path, SECTION)))
        found = b"" if differing else _magic(path)
    except PatchError as error:
        if error.symbol is not None:  # what is about the whole file is told where it is named
            message = error.message.rpartition("; ")[0] or error.message
            advice = _ADVICE.get(error.code, error.message.rpartition("; ")[2])
            yield Fault("SDF149", f"{who} cannot be told of its disk: {message} ({error.code})", place, advice)
        return
    if differing:
        more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        message = f"the structure in `{SECTION[1:-1]}` of {who} is not {VERSION}'s: {', '.join(differing[:_SHOWN])}"
        yield Fault("SDF149", message + more, place, f"build the client with the headers of {VERSION}")
    elif any(found) and found != bytes(MAGIC):
        message = f"the magic in `{SECTION[1:-1]}` of {who} is {_hex(found)}, and {VERSION}'s is {_hex(bytes(MAGIC))}"
        yield Fault("SDF149", message, place, f"leave it out, or build the client with the headers of {VERSION}")


def _differences(leaves: Iterable[TypeLeaf]) -> Iterator[str]:
    """Yield each member that is missing, elsewhere, of another size, or too many, in words."""
    found = _members(leaves)
    for name, wanted in MEMBERS.items():
        member = found.get(name)
        if member is None:
            yield f"it has no `{name[1:]}`"
        elif (member.offset_bytes, member.size_bytes) != (wanted.offset_bytes, wanted.size_bytes):
            yield f"`{name[1:]}` is {_words(member)} instead of {_words(wanted)}"
    yield from (f"`{name[1:]}` is one more" for name in found if name not in MEMBERS)


def _members(leaves: Iterable[TypeLeaf]) -> dict[str, Member]:
    """Return the members by their paths; elements of an array of numbers are one."""
    found: dict[str, Member] = {}
    for leaf in leaves:
        name = leaf.path.rpartition("[")[0] if leaf.path.endswith("]") else leaf.path
        first = found.get(name, Member(leaf.offset_bytes, leaf.size_bytes, 0))
        found[name] = first._replace(elements=first.elements + 1)
    return found


def _words(member: Member) -> str:
    return f"{member.size_bytes} byte{'s' if member.size_bytes > 1 else ''} at {member.offset_bytes}"


def _magic(path: str) -> bytes:
    """Return the magic that a structure has already, zeros when it has none."""
    from patcher import read_values

    value = read_values(path, [SECTION + MAGIC_MEMBER])[SECTION + MAGIC_MEMBER]
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").ljust(len(MAGIC), b"\0")
    return bytes(value) if isinstance(value, tuple) else b""


def _hex(content: bytes) -> str:
    return content.hex(" ")
