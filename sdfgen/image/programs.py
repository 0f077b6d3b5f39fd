"""Program images and the Microkit tool: what can be said before it runs, and whence what it says comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.read.program import Program, ProgramError, read_program
from sdfgen.rules.maps import mapped
from sdfgen.rules.symbols import symbols
from sdfgen.units import PAGE_BYTES, ranges_text, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from sdfgen.model.microkit import Map, Origin, ProtectionDomain
    from sdfgen.model.system import System

SETVAR_BYTES = 8
"""What the tool writes into a symbol."""


def program_faults(system: System, path_of: Callable[[str], str], linked: Container[str] = ()) -> Iterator[Fault]:
    """Yield what of the program images does not fit the system.

    Args:
        system: The system.
        path_of: Where a program image is, by the name that the system gives it.
        linked: Program images that were linked here, of code that does not call itself.
    """
    domains = {pd.name: pd for pd in system.all_pds()}
    programs: dict[str, Program | None] = {}
    for pd in domains.values():
        for name in filter(None, (pd.program_image, pd.path_for_symbols)):
            if name not in programs:
                try:
                    programs[name] = read_program(path_of(name))
                except ProgramError as error:
                    programs[name] = None
                    message = f"program image {name!r} of `{pd.name}` {error}"
                    yield Fault(
                        "SDF102",
                        message,
                        pd.origin.at("program_image"),
                        "link it with the SDK's libmicrokit and microkit.ld",
                    )
        program = programs[pd.program_image]
        if program is not None and pd.program_image in linked:
            yield from _stack(system, pd, program)
    yield from _maps_over(system, programs)
    for name, symbol, origin, key in symbols(system):
        holder = domains.get(name)
        program = programs[holder.path_for_symbols or holder.program_image] if holder else None
        if holder is not None and program is not None:
            yield from _symbol(system, holder, program, symbol, (origin, key))


def _maps_over(system: System, programs: Mapping[str, Program | None]) -> Iterator[Fault]:
    for found in mapped(system):
        m, pd = found.map, found.space.pd
        program = None if found.space.guest else programs[pd.program_image]
        ranges = program.ranges if program is not None else ()
        over = next(((low, high) for low, high in ranges if found.start < high and low < found.end), None)
        if over is not None:
            message = (
                f"`{m.region}` at {found.range} in `{pd.name}` lies over its program image "
                f"{pd.program_image!r} at {ranges_text([over])}"
            )
            yield Fault("SDF102", message, m.origin.at(_map_key(m, pd)), _map_advice(m, pd))


def _stack(system: System, pd: ProtectionDomain, program: Program) -> Iterator[Fault]:
    stack_bytes = pd.stack_size_bytes or system.dialect.default_stack_bytes
    if program.frames_bytes > stack_bytes:
        message = (
            f"stack of `{pd.name}` has {size_text(stack_bytes)}; "
            f"all functions of {pd.program_image!r} together take {program.frames_bytes} bytes"
        )
        enough = size_text(round_up(program.frames_bytes, PAGE_BYTES))
        yield Fault("SDF104", message, pd.origin.at("stack_size"), f'use "{enough}"', severity="warning")


def _map_key(m: Map, pd: ProtectionDomain) -> str:
    return "ram" if _is_ram(m, pd) else "vaddr"


def _map_advice(m: Map, pd: ProtectionDomain) -> str:
    return (
        "make its guest's kernel or initrd smaller" if _is_ram(m, pd) else "map it elsewhere, or make the image smaller"
    )


def _is_ram(m: Map, pd: ProtectionDomain) -> bool:
    return pd.vm is not None and m.region == f"{pd.vm.name}_ram"


def _symbol(
    system: System, pd: ProtectionDomain, program: Program, symbol: str, place: tuple[Origin, str]
) -> Iterator[Fault]:
    """Check the symbol that a value goes into: of a longer one older tools write the first 8 bytes."""
    origin, key = place
    name = pd.path_for_symbols or pd.program_image
    if symbol not in program.symbols:
        near = suggestion(symbol, program.symbols)
        message = f"program image {name!r} of `{pd.name}` has no symbol `{symbol}`{near}"
        yield Fault("SDF102", message, origin.at(key), "define it as a variable of 8 bytes that is kept, not static")
        return
    size_bytes = program.symbols[symbol]
    if size_bytes < SETVAR_BYTES or (size_bytes > SETVAR_BYTES and system.dialect.symbol_exactly_8):
        message = (
            f"symbol `{symbol}` of {name!r} has {size_bytes} bytes, and the tool writes {SETVAR_BYTES} for `{pd.name}`"
        )
        yield Fault("SDF102", message, origin.at(key), "use uintptr_t or uint64_t")
