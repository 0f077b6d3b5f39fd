"""Program images: what of an ELF matters to a system."""

from __future__ import annotations

from sdfgen.read.stack_use import frames_bytes
from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES, round_up

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
