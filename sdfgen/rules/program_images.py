"""Program images: whether the Microkit tool can take them, and whether they fit what the system does with them."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sdfgen.facts.dialects import DOMAIN_NAME, IPC_BUFFER
from sdfgen.faults.fault import Fault, suggestion
from sdfgen.read.fpu_use import fpu_instruction
from sdfgen.read.program import RELINK, Program, ProgramError, page_range, read_program
from sdfgen.records import NamedTuple
from sdfgen.rules.maps import mapped
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.rules.symbols import symbols
from sdfgen.units import PAGE_BYTES, ranges_text, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sdfgen.model.microkit import Map, Origin, ProtectionDomain
    from sdfgen.model.system import System
    from sdfgen.read.program import Symbol

CODE: Final = "SDF102"
SETVAR_BYTES: Final = 8
"""What the tool writes into a symbol."""


@rule(CODE, "program images fit the system", Stage.VALUES)
def beside(system: System) -> Iterator[Fault]:
    """The tool writes into 8-byte symbols of an image, and maps regions beside it.

    Images that lie beside the description are looked at before anything is built, others when they are linked.
    """

    def path_of(name: str) -> str | None:
        path = system.find(name)
        return path if os.path.isfile(path) else None

    yield from unfit(system, path_of)


def unfit(system: System, path_of: Callable[[str], str | None]) -> Iterator[Fault]:
    """Yield what of program images does not fit the system.

    Args:
        system: The system.
        path_of: Where an image is, by the name that the system gives it; None for one that is not to be looked at.
    """
    images = _Images(system, path_of)
    yield from images.faults
    if images.read:
        yield from _segments_over(system, images)
        yield from _maps_over(system, images)
        yield from _targets(system, images)
        yield from _fpu(images, path_of)


class _Images:
    """The images that can be read, by name, and why others can't."""

    def __init__(self, system: System, path_of: Callable[[str], str | None]) -> None:
        self.domains = {pd.name: pd for pd in system.all_pds()}
        self.read: dict[str, Program] = {}
        self.faults: list[Fault] = []
        seen: set[str] = set()
        for pd in self.domains.values():
            for key, name in (("program_image", pd.program_image), ("path_for_symbols", pd.path_for_symbols)):
                path = path_of(name) if name and name not in seen else None
                if name and path is not None:
                    seen.add(name)
                    self._look(pd, key, name, path)
            self.faults += self._without_library(system, pd)

    def _look(self, pd: ProtectionDomain, key: str, name: str, path: str) -> None:
        try:
            self.read[name] = read_program(path)
        except ProgramError as error:
            message = f"{_words(key)} {name!r} of `{pd.name}` {error}"
            self.faults.append(fault(CODE, message, (pd.origin, key), error.advice))

    def symbols(self, pd: ProtectionDomain) -> dict[str, Symbol] | None:
        """Return the symbols that the tool knows of a domain's image; None when there is no file with them."""
        program = self.read.get(pd.path_for_symbols or pd.program_image)
        return None if program is None else program.symbols or {}

    def _without_library(self, system: System, pd: ProtectionDomain) -> Iterator[Fault]:
        """Yield a fault for each file, once, that lacks what the tool looks for, or has an older library."""
        key = "path_for_symbols" if pd.path_for_symbols else "program_image"
        name = pd.path_for_symbols or pd.program_image
        found = self.symbols(pd)
        missing = [symbol for symbol in system.dialect.library_symbols if found is not None and symbol not in found]
        if found is not None and missing:
            library = "the libmicrokit of this version" if DOMAIN_NAME in found else "libmicrokit"
            lacks = f"symbol `{missing[0]}`: it is not linked with {library}" if found else "symbol table"
            advice = RELINK if found else "link it without -s, and do not strip it"
            message = f"{_words(key)} {name!r} of `{pd.name}` has no {lacks}"
            del self.read[name]
            yield fault(CODE, message, (pd.origin, key), advice)
        elif found is not None and IPC_BUFFER in found and not system.dialect.ipc_buffer_behind_image:
            message = (
                f"{_words(key)} {name!r} of `{pd.name}` has symbol `{IPC_BUFFER}`: it is linked with an older "
                f"libmicrokit, which looks for messages where Microkit {system.dialect.version} puts none"
            )
            yield fault(CODE, message, (pd.origin, key), RELINK, severity="warning")


def _words(key: str) -> str:
    return "program image" if key == "program_image" else "symbol file"


def _segments_over(system: System, images: _Images) -> Iterator[Fault]:
    """Yield images of which two segments have a page in common: each would have to be mapped there."""
    told: set[str] = set()
    for pd in images.domains.values():
        program = images.read.get(pd.program_image) if pd.program_image not in told else None
        pages = sorted(page_range(*segment) for segment in program.segments) if program else []
        over = next((high for low, high in pairwise(pages) if high[0] < low[1]), None)
        if over is not None:
            told.add(pd.program_image)
            message = (
                f"two segments of program image {pd.program_image!r} of `{pd.name}` have page {over[0]:#x} in common"
            )
            advice = "link it with the SDK's microkit.ld, -z max-page-size=0x1000 and --build-id=none"
            severity = "error" if system.dialect.writes_capdl else "warning"  # whose tool then ends in a panic
            yield fault(CODE, message, (pd.origin, "program_image"), advice, severity=severity)


def _maps_over(system: System, images: _Images) -> Iterator[Fault]:
    taken = {name: _taken(system, images, pd) for name, pd in images.domains.items()}
    for found in mapped(system):
        m, pd = found.map, found.space.pd
        ranges = () if found.space.guest else taken[pd.name]
        over = next((one for one in ranges if found.start < one.end and one.start < found.end), None)
        if over is not None:
            lies = found.start < over.pages[1] and over.pages[0] < found.end
            how = "lies over" if lies else f"touches, which Microkit {system.dialect.version} refuses too,"
            message = (
                f"`{m.region}` at {found.range} in `{pd.name}` {how} its program image "
                f"{pd.program_image!r} at {ranges_text([over.pages])}"
            )
            yield fault(CODE, message, (m.origin, _map_key(m, pd)), _map_advice(m, pd))


class _Taken(NamedTuple):
    """Addresses that maps must leave to an image: the pages that it has, and what the tool keeps free around them."""

    start: int
    end: int
    pages: tuple[int, int]


def _taken(system: System, images: _Images, pd: ProtectionDomain) -> tuple[_Taken, ...]:
    """Return what a domain's image takes of its address space, with the IPC buffer where that lies behind it."""
    program, known = images.read.get(pd.program_image), images.symbols(pd) or {}
    taken = tuple(_segment(system, *segment) for segment in program.segments) if program else ()
    if program and system.dialect.ipc_buffer_behind_image and IPC_BUFFER in known:
        pages = page_range(known[IPC_BUFFER].address, PAGE_BYTES)
        return (*taken, _Taken(*pages, pages))
    return taken


def _segment(system: System, start: int, size_bytes: int) -> _Taken:
    if system.dialect.rounds_segments:
        size_bytes = round_up(size_bytes, PAGE_BYTES)
    beside = 1 if system.dialect.touching_overlaps else 0
    return _Taken(*page_range(start - beside, size_bytes + 2 * beside), page_range(start, size_bytes))


def _fpu(images: _Images, path_of: Callable[[str], str | None]) -> Iterator[Fault]:
    """Yield domains without FPU whose image uses it: that instruction stops them, if it is ever reached."""
    for pd in images.domains.values():
        path = path_of(pd.program_image) if pd.fpu is False and pd.program_image in images.read else None
        address = None if path is None else fpu_instruction(path)
        if address is not None:
            message = f"program image {pd.program_image!r} of `{pd.name}`, which has no FPU, uses it at {address:#x}"
            advice = "compile all of it with -mgeneral-regs-only, or set `fpu = true`"
            yield fault(CODE, message, (pd.origin, "fpu"), advice, severity="warning")


def _map_key(m: Map, pd: ProtectionDomain) -> str:
    return "ram" if _is_ram(m, pd) else "vaddr"


def _map_advice(m: Map, pd: ProtectionDomain) -> str:
    return (
        "make its guest's kernel or initrd smaller" if _is_ram(m, pd) else "map it elsewhere, or make the image smaller"
    )


def _is_ram(m: Map, pd: ProtectionDomain) -> bool:
    return pd.vm is not None and m.region == f"{pd.vm.name}_ram"


def _targets(system: System, images: _Images) -> Iterator[Fault]:
    for name, symbol, origin, key in symbols(system):
        holder = images.domains.get(name)
        known = images.symbols(holder) if holder else None
        if holder is not None and known is not None:
            yield from _target(system, holder, known, symbol, (origin, key))


def _target(
    system: System, pd: ProtectionDomain, known: dict[str, Symbol], symbol: str, place: tuple[Origin, str]
) -> Iterator[Fault]:
    """Check the symbol that a value goes into: of a longer one older tools write the first 8 bytes."""
    name = pd.path_for_symbols or pd.program_image
    if symbol not in known:
        message = f"program image {name!r} of `{pd.name}` has no symbol `{symbol}`{suggestion(symbol, known)}"
        yield fault(CODE, message, place, "define it as a variable of 8 bytes that is kept, not static")
        return
    size_bytes = known[symbol].size_bytes
    if size_bytes < SETVAR_BYTES or (size_bytes > SETVAR_BYTES and system.dialect.symbol_exactly_8):
        message = (
            f"symbol `{symbol}` of {name!r} has {size_bytes} bytes, and the tool writes {SETVAR_BYTES} for `{pd.name}`"
        )
        yield fault(CODE, message, place, "use uintptr_t or uint64_t")
