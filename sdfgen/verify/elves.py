"""Reads ELFs back: patched symbols, and the guests that were linked into VMMs."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.guest_files.embed import IMAGES
from sdfgen.guest_files.initrd import empty
from sdfgen.guests.trees import is_complete
from sdfgen.read.memory import symbols_of
from sdfgen.records import NamedTuple
from sdfgen.verify.made import GUEST, MISSING, NUMBER, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import Patch, System
    from sdfgen.verify.made import Made


def patched(system: System, made: Made) -> Iterator[Fault]:
    """Yield each symbol that does not hold what was patched into it.

    Args:
        system: The system.
        made: The folder.
    """
    by_elf: dict[str, list[Patch]] = {}
    for patch in system.patches:
        if patch.value is not None and made.content(outputs.elf(patch.elf)) is not None:
            by_elf.setdefault(patch.elf, []).append(patch)
    for elf, patches in by_elf.items():
        yield from _symbols(made, outputs.elf(elf), patches)


def _symbols(made: Made, name: str, patches: list[Patch]) -> Iterator[Fault]:
    from patcher import PatchError, PatchRequest, verify_file

    values = [(patch, patch.value) for patch in patches]
    requests = [PatchRequest(one.symbol, value, one.size_bytes) for one, value in values if value is not None]
    try:
        verify_file(made.path(name), requests)
    except PatchError as error:
        origins = {patch.symbol: patch.origin for patch in patches}
        for one in error.faults:
            origin = origins.get(one.symbol or "")
            decides = (origin, "value") if origin else None
            message = f"{name}: {one.message.partition(';')[0]}"
            yield made.fault(NUMBER if origin else MISSING, message, name, origin=decides)


class Embedded(NamedTuple):
    """A guest's files in a program image: content by name of `IMAGES`."""

    files: dict[str, bytes]


class NoProgramError(Exception):
    """A file is no program that could be read."""


def read_embedded(content: bytes) -> Embedded:
    """Return what lies between the symbols of each guest file; only what the image has.

    Args:
        content: The program image.

    Raises:
        NoProgramError: It is no ELF with symbols.
    """
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(BytesIO(content))
        found = {symbol.name: int(symbol["st_value"]) for symbol in symbols_of(elf)}
        files = {}
        for name in IMAGES:
            start, end = (found.get(f"_guest_{name}_image{suffix}") for suffix in ("", "_end"))
            if start is not None and end is not None and start <= end:
                offset = next(iter(elf.address_offsets(start, end - start)), None)
                files[name] = b"" if offset is None else content[offset : offset + end - start]
    except Exception as error:  # the library raises whatever its indexing does
        raise NoProgramError(str(error) or type(error).__name__) from error
    return Embedded(files)


def embedded(system: System, made: Made, guest: Guest) -> Iterator[Fault]:
    """Yield which of a guest's files its VMM has otherwise in it than they are now.

    Args:
        system: The system.
        made: The folder.
        guest: The guest; one whose VMM was not linked here has no faults.
    """
    name = outputs.elf(system.images_by_pd()[guest.vmm])
    content = made.content(name)
    if content is None or guest.kernel is None:
        return
    try:
        files = read_embedded(content).files
    except NoProgramError as error:
        yield made.fault(MISSING, f"{name} cannot be read: {error}", name)
        return
    for kind, (key, right) in _wanted(system, made, guest).items():
        if right is not None and files.get(kind) != right:
            message = f"{name}: {_difference(files.get(kind), right)} {_WORDS[kind]} of guest `{guest.name}`"
            yield made.fault(GUEST, message, name, origin=(guest.origin, key))


_WORDS = {"kernel": "kernel", "dtb": "device tree", "initrd": "initial RAM disk"}


def _difference(found: bytes | None, right: bytes) -> str:
    if found is None:
        return "it has no"
    if len(found) != len(right):
        return f"{len(found)} bytes are in it, not the {len(right)} bytes of the"
    at = next(at for at, (one, other) in enumerate(zip(found, right, strict=True)) if one != other)
    return f"what is in it differs from byte {at:#x} on from the"


def _wanted(system: System, made: Made, guest: Guest) -> dict[str, tuple[str, bytes | None]]:
    """Return key and content of each of a guest's files; no content of what is missing: that is told elsewhere."""
    tree, initrd = outputs.tree(guest, complete=is_complete(system, guest)), outputs.initrd(guest)
    disk = made.content(initrd) if initrd else _authors(system, guest.initrd) if guest.initrd else b""
    return {
        "kernel": ("kernel", _authors(system, guest.kernel)),
        "dtb": ("dtb", made.content(tree) if tree else None),
        "initrd": ("initrd", empty() if disk == b"" else disk),
    }


def _authors(system: System, name: str | None) -> bytes | None:
    return read_file(os.path.join(system.folder, name)) if name else None


def initrd(system: System, made: Made, guest: Guest) -> Iterator[Fault]:
    """Yield when a guest's initial RAM disk is not the author's with what is appended to it.

    Args:
        system: The system.
        made: The folder.
        guest: The guest; one whose disk is not made here has no faults.
    """
    from sdfgen.guest_files.initrd import Appended, TooLargeError, with_files

    name = outputs.initrd(guest)
    content = made.content(name) if name else None
    base = _authors(system, guest.initrd) if guest.initrd else b""
    parts = [one.source.encode() if one.kind == "link" else made.content(one.source) for one in guest.appended]
    if name is None or content is None or base is None:
        return
    files = [
        Appended(one.path, one.kind, part) for one, part in zip(guest.appended, parts, strict=True) if part is not None
    ]
    try:
        right = with_files(base, files)
    except TooLargeError:
        return
    if len(files) == len(parts) and content != right:
        message = (
            f"{name}: {_difference(content, right)} initial RAM disk of guest `{guest.name}` with what is appended"
        )
        yield made.fault(GUEST, message, name, origin=(guest.origin, "initrd"))
