"""What a compiled object or a linked program has in memory: bytes, numbers, text, and what pointers lead to."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import Symbol

_ABS64 = 257
"""R_AARCH64_ABS64, of the ELF specification for AArch64: how a pointer stands in an object."""
_SECTION_STEP = 1 << 32
_ELSEWHERE = 1 << 60
"""Where symbols that an object does not define are taken to be: no section of it reaches so far."""
_UNDEFINED = "SHN_UNDEF"
_POINTER_BYTES = 8


class UnreadableError(Exception):
    """There is no such variable, or no such memory."""


class Memory:
    """Memory, and the variables in it.

    Args:
        parts: Content by its first address.
        symbols: Address of each symbol.
    """

    def __init__(self, parts: dict[int, bytes], symbols: dict[str, int]) -> None:
        self._parts = parts
        self.symbols = symbols
        self._names: dict[int, str] = {}
        for name, address in symbols.items():
            self._names.setdefault(address, name)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return some bytes.

        Raises:
            UnreadableError: They are not all there.
        """
        for start, content in self._parts.items():
            if start <= address and address + size_bytes <= start + len(content):
                return content[address - start : address - start + size_bytes]
        raise UnreadableError(f"nothing is at {address:#x}")

    def number(self, address: int, size_bytes: int) -> int:
        """Return an unsigned number."""
        return int.from_bytes(self.read(address, size_bytes), "little")

    def text(self, address: int) -> str:
        """Return a string up to the byte that ends it."""
        for start, content in self._parts.items():
            if start <= address < start + len(content):
                return content[address - start :].split(b"\0", 1)[0].decode(errors="replace")
        raise UnreadableError(f"no text is at {address:#x}")

    def name(self, address: int) -> str | None:
        """Return the name of the symbol at an address."""
        return self._names.get(address)


def symbols_of(elf: ELFFile) -> list[Symbol]:
    """Return the symbols of an ELF.

    Raises:
        UnreadableError: It has no symbol table.
    """
    from elftools.elf.sections import SymbolTableSection

    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise UnreadableError("it has no symbol table")
    return list(table.iter_symbols())


def of_object(content: bytes) -> Memory:
    """Return an object's memory as if each of its sections had an address: pointers lead to where they should.

    Args:
        content: The object.

    Raises:
        UnreadableError: A pointer is written in a way that is not known here.
    """
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection

    elf = ELFFile(BytesIO(content))
    symbols = symbols_of(elf)
    addresses = [_address(symbol, number) for number, symbol in enumerate(symbols)]
    parts = {at * _SECTION_STEP: bytearray(data) for at, data in _loaded(elf)}
    for section in elf.iter_sections("SHT_RELA"):
        start = section["sh_info"] * _SECTION_STEP
        if start in parts and isinstance(section, RelocationSection):
            for entry in section.iter_relocations():
                _apply(parts[start], entry, addresses[entry["r_info_sym"]])
    named = {
        symbol.name: address
        for symbol, address in zip(symbols, addresses, strict=True)
        if symbol.name and not symbol.name.startswith(("$", "."))
    }
    return Memory({start: bytes(data) for start, data in parts.items()}, named)


def _loaded(elf: Any) -> Iterator[tuple[int, bytes]]:  # noqa: ANN401 - the library has no types
    for at, section in enumerate(elf.iter_sections()):
        if section["sh_flags"] & 2 and section["sh_size"]:  # SHF_ALLOC
            yield at, bytes(section["sh_size"]) if section["sh_type"] == "SHT_NOBITS" else section.data()


def _address(symbol: Any, number: int) -> int:  # noqa: ANN401 - the library has no types
    where = symbol["st_shndx"]
    if isinstance(where, int):
        return int(where * _SECTION_STEP + symbol["st_value"])
    return _ELSEWHERE + number * _SECTION_STEP if where == _UNDEFINED else int(symbol["st_value"])


def _apply(data: bytearray, entry: Any, address: int) -> None:  # noqa: ANN401 - the library has no types
    if entry["r_info_type"] != _ABS64:
        raise UnreadableError(f"relocation {entry['r_info_type']} is not that of a pointer")
    value = (address + entry["r_addend"]) % (1 << 64)
    data[entry["r_offset"] : entry["r_offset"] + _POINTER_BYTES] = value.to_bytes(_POINTER_BYTES, "little")


def of_program(content: bytes) -> Memory:
    """Return the memory of a linked program as it is when the program starts.

    Args:
        content: The ELF.

    Raises:
        UnreadableError: It has no symbol table.
    """
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(BytesIO(content))
    parts = {
        int(segment["p_vaddr"]): segment.data().ljust(segment["p_memsz"], b"\0")
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_memsz"] < _SECTION_STEP
    }
    named: dict[str, int] = {}
    for symbol in symbols_of(elf):
        if (
            symbol.name
            and symbol["st_shndx"] != _UNDEFINED
            and symbol["st_info"]["type"] in ("STT_OBJECT", "STT_NOTYPE")
        ):
            named.setdefault(symbol.name, int(symbol["st_value"]))
    return Memory(parts, named)
