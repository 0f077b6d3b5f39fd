"""What a VMM puts into its guest's RAM: kernel, device tree and initial RAM disk, as its program image holds them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import rule
from sdfgen.rules.vmm_constants import machines
from sdfgen.units import range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.system import System
    from sdfgen.model.tree import GuestFile
    from sdfgen.rules.vmm_constants import Said

CODE = "SDF223"
_KERNEL, _DTB, _INITRD = "kernel", "dtb", "initrd"
_WORDS = {_KERNEL: "kernel", _DTB: "device tree", _INITRD: "initial RAM disk"}


class _Piece(NamedTuple):
    """Something that a VMM puts into RAM, from `start` to before `end`; `where` decides that."""

    words: str
    start: int
    end: int
    where: Where
    file: GuestFile

    @property
    def range(self) -> str:
        """Its addresses as text."""
        return range_text(self.start, self.end - self.start)


@rule(CODE, "kernel, device tree and initial RAM disk of a guest lie apart, in its RAM")
def apart(system: System) -> Iterator[Fault]:
    """A VMM copies them to where they go: what lies over another is overwritten, and Linux does not start.

    A kernel takes the `image_size` of its header from `text_offset` above the start of RAM, which is more than its file
    has (Documentation/arch/arm64/booting.rst).
    """
    files: dict[str, list[GuestFile]] = {}
    for file in system.guest_files:
        files.setdefault(file.machine, []).append(file)
    for said in machines(system):
        pieces = [piece for file in files.get(said.name, []) if (piece := _piece(said, file)) is not None]
        for one, two in combinations(pieces, 2):
            if one.start < two.end and two.start < one.end:
                yield _over(said, one, two)
        yield from (_beyond(said, piece) for piece in pieces if said.ram and piece.start < said.end < piece.end)
        yield from _cut(said, [piece.file for piece in pieces if piece.file.what == _INITRD])


def _piece(said: Said, file: GuestFile) -> _Piece | None:
    """Return where a file goes; None where nobody says."""
    start: int | None = None
    where = file.where
    if file.what == _KERNEL and said.ram is not None:
        start = said.ram.start + file.offset_bytes
    elif file.what in said.by:
        start, where = said.by[file.what].value, said.by[file.what].where
    elif file.what == _INITRD and said.tree is not None and said.tree.initrd[0] is not None:
        start, where = said.tree.initrd[0]
    return None if start is None else _Piece(_WORDS[file.what], start, start + file.size_bytes, where, file)


def _over(said: Said, one: _Piece, two: _Piece) -> Fault:
    message = f"the {two.words} of `{said.name}` at {two.range} lies over its {one.words} at {one.range}"
    takes = "the {} in here takes {}"
    notes = tuple((it.file.where, takes.format(it.words, size_text(it.file.size_bytes))) for it in (one, two))
    return Fault(CODE, message, two.where, "put one of them elsewhere", notes)


def _beyond(said: Said, piece: _Piece) -> Fault:
    message = f"the {piece.words} of `{said.name}` at {piece.range} ends behind its RAM, which ends at {said.end:#x}"
    ram = (said.ram,) if said.ram else ()
    notes = tuple((one.map.origin.at("vaddr"), f"`{one.region.name}` is mapped at {one.range}") for one in ram)
    return Fault(CODE, message, piece.where, "put it further down, or give the guest more RAM", notes)


def _cut(said: Said, files: list[GuestFile]) -> Iterator[Fault]:
    start, end = said.tree.initrd if said.tree else (None, None)
    for file in files:
        if start is not None and end is not None and 0 < end[0] - start[0] < file.size_bytes:
            told, has = size_text(end[0] - start[0]), size_text(file.size_bytes)
            message = f"the device tree of `{said.name}` gives its initial RAM disk {told}, and the file has {has}"
            notes = ((file.where, "the file is in here"), (start[1], "it starts here"))
            yield Fault(CODE, message, end[1], "let it end behind the file", notes, "warning")
