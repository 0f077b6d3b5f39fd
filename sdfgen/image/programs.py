"""Program images and the Microkit tool: what can be said before it runs, and whence what it says comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.image.stack_use import frames_bytes
from sdfgen.rules.symbols import symbols
from sdfgen.units import PAGE_BYTES, range_text, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Map, Origin, ProtectionDomain
    from sdfgen.model.system import System

SETVAR_BYTES = 8
"""What the tool writes into a symbol."""
IPC_BUFFER = "__sel4_ipc_buffer_obj"
"""The page that the tool maps behind a program image."""
AARCH64 = "EM_AARCH64"


class Program(NamedTuple):
    """What matters of a program image.

    Attributes:
        ranges: Start and end, in whole pages, of what is loaded, and of the IPC buffer.
        symbols: Size in bytes by name.
        frames_bytes: What all of its functions take of the stack together.
    """

    ranges: tuple[tuple[int, int], ...]
    symbols: dict[str, int]
    frames_bytes: int


class ProgramError(Exception):
    """A file is no program image; the message says what it lacks."""


def read_program(path: str) -> Program:
    """Read a program image.

    Args:
        path: The ELF.

    Raises:
        ProgramError: When it cannot be one.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    try:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            if elf["e_machine"] != AARCH64 or elf.elfclass != 64:  # noqa: PLR2004 - bits of a word
                raise ProgramError("is not for AArch64")
            table = elf.get_section_by_name(".symtab")
            if not isinstance(table, SymbolTableSection):
                raise ProgramError("has no symbol table; the tool looks for its IPC buffer there")
            found = {symbol.name: symbol.entry for symbol in table.iter_symbols() if symbol.name}
            loaded = [(s["p_vaddr"], s["p_memsz"]) for s in elf.iter_segments("PT_LOAD") if s["p_memsz"]]
            code = [s.data() for s in elf.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR]
    except (OSError, ELFError) as error:
        raise ProgramError(f"is no ELF file that can be read: {error}") from error
    if IPC_BUFFER not in found:
        raise ProgramError(f"has no symbol `{IPC_BUFFER}`: it is not linked with libmicrokit")
    loaded.append((found[IPC_BUFFER].st_value, PAGE_BYTES))
    return Program(
        tuple((start - start % PAGE_BYTES, round_up(start + size, PAGE_BYTES)) for start, size in loaded),
        {name: entry.st_size for name, entry in found.items()},
        sum(map(frames_bytes, code)),
    )


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
                        "SDF102", message, image_place(pd), "link it with the SDK's libmicrokit and microkit.ld"
                    )
        program = programs[pd.program_image]
        if program is not None:
            yield from _maps_over(system, pd, program)
            if pd.program_image in linked:
                yield from _stack(system, pd, program)
    for name, symbol, origin, key in symbols(system):
        holder = domains.get(name)
        program = programs[holder.path_for_symbols or holder.program_image] if holder else None
        if holder is not None and program is not None:
            yield from _symbol(holder, program, symbol, (origin, key))


def image_place(pd: ProtectionDomain) -> Where:
    """Return where a description names a program image.

    Args:
        pd: Whose image it is.
    """
    key = "program_image" if pd.origin.given("program_image") else "image"
    return pd.origin.at(key)


def _maps_over(system: System, pd: ProtectionDomain, program: Program) -> Iterator[Fault]:
    regions = system.region_index()
    for m in pd.maps:
        region = regions.get(m.region)
        size = (region.size_bytes if region else None) or PAGE_BYTES
        over = next(((low, high) for low, high in program.ranges if m.vaddr < high and low < m.vaddr + size), None)
        if over is not None:
            message = (
                f"`{m.region}` at {range_text(m.vaddr, size)} in `{pd.name}` lies over its program image "
                f"{pd.program_image!r} at {range_text(over[0], over[1] - over[0])}"
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


def _symbol(pd: ProtectionDomain, program: Program, symbol: str, place: tuple[Origin, str]) -> Iterator[Fault]:
    origin, key = place
    name = pd.path_for_symbols or pd.program_image
    if symbol not in program.symbols:
        near = suggestion(symbol, program.symbols)
        message = f"program image {name!r} of `{pd.name}` has no symbol `{symbol}`{near}"
        yield Fault("SDF102", message, origin.at(key), "define it as a variable of 8 bytes that is kept, not static")
    elif program.symbols[symbol] not in {0, SETVAR_BYTES}:
        message = (
            f"symbol `{symbol}` of {name!r} has {program.symbols[symbol]} bytes, "
            f"and the tool writes {SETVAR_BYTES} for `{pd.name}`"
        )
        yield Fault("SDF102", message, origin.at(key), "use uintptr_t or uint64_t")
