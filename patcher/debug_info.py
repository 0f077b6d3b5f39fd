"""Reads debug information as far as it can be read, and says what of it cannot and why.

pyelftools parses entries. Sections are read here: only those that types need, plain or compressed.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from struct import unpack_from
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE

    from patcher.source import Source
    from patcher.values import Symbol

_WANTED: Final = ("info", "abbrev", "str", "line_str", "str_offsets", "addr", "rnglists", "loclists", "types")
_ADDRESS_BYTES: Final = 8
_HEADER_BYTES: Final = 24
_GNU_HEADER_BYTES: Final = 12
_ZLIB, _ZSTD = 1, 2
_SPLIT_NAMES: Final = ("DW_AT_dwo_name", "DW_AT_GNU_dwo_name")
_ORIGINS: Final = ("DW_AT_specification", "DW_AT_abstract_origin")
_PLACED: Final = frozenset({"DW_AT_low_pc", "DW_AT_ranges"})
_SHOWN: Final = 3


class UnseenError(Exception):
    """Debug information does not say what is asked of it; the message says why and what to do."""


class LostError(Exception):
    """A path cannot be followed through types; the message says why and what to do."""


class Variable(NamedTuple):
    """What debug information has about a variable.

    Attributes:
        entry: Its entry.
        has_code_beside: The compilation unit that defines it has functions as well.
    """

    entry: DIE
    has_code_beside: bool


class DebugInfo:
    """The debug information of a file.

    Attributes:
        variables: The wanted variables that were found.
        folded: Names of variables that are defined and have no address: the compiler has done away with them.
    """

    def __init__(self, source: Source, wanted: Collection[Symbol], missing: Collection[str] = ()) -> None:
        """Look for variables.

        Args:
            source: The file.
            wanted: Symbols of variables to find.
            missing: Names that no symbol has.
        """
        self.variables: dict[Symbol, Variable] = {}
        self.folded: set[str] = set()
        self._why_not = ""
        self._split: list[str] = []
        self._has_types = False
        self._signed: dict[int, DIE] | None = None
        try:
            with reading():
                self._dwarf = _opened(source)
                self._search(wanted, missing)
        except UnseenError as unseen:
            self._why_not = str(unseen)

    def variable(self, symbol: Symbol) -> Variable:
        """Return what there is about a variable.

        Args:
            symbol: Its symbol, one of those that were wanted.

        Raises:
            UnseenError: There is nothing, or nothing that can be read.
        """
        if symbol in self.variables:
            return self.variables[symbol]
        raise UnseenError(self._why_not or self._reason(symbol))

    def _reason(self, symbol: Symbol) -> str:
        if self._split:
            shown = ", ".join(f"`{name}`" for name in self._split[:_SHOWN]) + (", …" if self._split[_SHOWN:] else "")
            return f"debug information about `{symbol.name}` is split off into {shown}; compile without -gsplit-dwarf"
        if not self._has_types:
            return "debug information has no types, as -g1 leaves them out; compile with -g"
        return f"there is no debug information about `{symbol.name}`; compile the file that defines it with -g"

    def _search(self, wanted: Collection[Symbol], missing: Collection[str]) -> None:
        names: dict[str, list[Symbol]] = {}
        for symbol in wanted:
            for name in {symbol.name, symbol.name.split(".")[0]}:
                names.setdefault(name, []).append(symbol)
        for unit in self._dwarf.iter_CUs():
            self._note_split(unit)
            self._search_unit(unit, names, missing)
            if not missing and len(self.variables) == len(set(wanted)):
                return

    def _note_split(self, unit: CompileUnit) -> None:
        attributes = unit.get_top_DIE().attributes
        self._split += [_text(attributes[name].value) for name in _SPLIT_NAMES if name in attributes]

    def _search_unit(self, unit: CompileUnit, names: dict[str, list[Symbol]], missing: Collection[str]) -> None:
        found: list[tuple[Symbol, DIE]] = []
        has_code = False
        for entry in unit.iter_DIEs():
            if entry.tag == "DW_TAG_base_type":
                self._has_types = True
            elif entry.tag == "DW_TAG_subprogram" and not _PLACED.isdisjoint(entry.attributes):
                has_code = True
            elif entry.tag == "DW_TAG_variable":
                name = self.name_of(entry)
                found += [(symbol, entry) for symbol in names.get(name, ()) if address_of(entry) == symbol.vaddr]
                if name in missing and _is_gone(entry):
                    self.folded.add(name)
        for symbol, entry in found:
            self.variables.setdefault(symbol, Variable(entry, has_code))

    def name_of(self, entry: DIE) -> str:
        """Return the name that an entry has, or that its declaration has over there."""
        named = self._with(entry, "DW_AT_name")
        return "" if named is None else _text(named.attributes["DW_AT_name"].value)

    def type_of(self, entry: DIE) -> DIE | None:
        """Return the type of an entry; None when there is none, as of void, or of everything with -g1."""
        typed = self._with(entry, "DW_AT_type")
        return None if typed is None else self.followed(typed, "DW_AT_type")

    def _with(self, entry: DIE, attribute: str) -> DIE | None:
        """Return the entry that has an attribute: this one, or the declaration that it completes."""
        for _ in range(_SHOWN):
            if attribute in entry.attributes:
                return entry
            origin = next((name for name in _ORIGINS if name in entry.attributes), None)
            if origin is None:
                return None
            entry = self.followed(entry, origin)
        return None

    def followed(self, entry: DIE, attribute: str) -> DIE:
        """Return the entry that an attribute refers to; types may stand in units of their own.

        Args:
            entry: The entry.
            attribute: One of its attributes.
        """
        reference = entry.attributes[attribute]
        if reference.form != "DW_FORM_ref_sig8":
            return entry.get_DIE_from_attribute(attribute)
        if self._signed is None:
            self._signed = dict(self._type_units())
        if reference.raw_value in self._signed:
            return self._signed[reference.raw_value]
        return self._dwarf.get_DIE_by_sig8(reference.raw_value)

    def _type_units(self) -> Iterator[tuple[int, DIE]]:
        """Give each type that has a unit of its own among the others, as since DWARF 5, by its signature."""
        for unit in self._dwarf.iter_CUs():
            if unit.header.get("unit_type") == "DW_UT_type":
                offset = unit.cu_offset + unit["type_offset"]
                yield unit["type_signature"], unit.get_DIE_from_refaddr(offset)


def _is_gone(entry: DIE) -> bool:
    """Say whether a global variable is defined and has no address."""
    parent = entry.get_parent()
    is_global = parent is not None and parent.tag == "DW_TAG_compile_unit"
    return is_global and not {"DW_AT_declaration", "DW_AT_location"} & entry.attributes.keys()


def address_of(entry: DIE) -> int:
    """Return the address of a variable, or -1 when it has no fixed one."""
    location = entry.attributes.get("DW_AT_location")
    if location is None or not isinstance(location.value, list):
        return -1
    operations = DWARFExprParser(entry.cu.structs).parse_expr(location.value)
    if len(operations) == 1 and operations[0].op_name == "DW_OP_addr":
        return int(operations[0].args[0])
    if len(operations) == 1 and operations[0].op_name in {"DW_OP_addrx", "DW_OP_GNU_addr_index"}:
        return int(entry.dwarfinfo.get_addr(entry.cu, operations[0].args[0]))
    return -1


def _text(name: bytes) -> str:
    return name.decode(errors="replace")


@contextmanager
def reading() -> Iterator[None]:
    """Turn whatever a library raises on debug information into an `UnseenError`.

    Raises:
        UnseenError: The body raised anything.
    """
    try:
        yield
    except (UnseenError, LostError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise UnseenError(f"debug information cannot be read ({reason}); build the file again") from error


def _opened(source: Source) -> DWARFInfo:
    elf = ELFFile(source.stream)
    sections = {name: _section(elf, name) for name in _WANTED}
    if sections["info"] is None:
        raise UnseenError("the file has no debug information; compile with -g, and do not strip it")
    config = DwarfConfig(little_endian=True, machine_arch=elf.get_machine_arch(), default_address_size=_ADDRESS_BYTES)
    arguments = DWARFInfo.__init__.__code__
    known = {f"debug_{name}_sec": section for name, section in sections.items()}
    others = arguments.co_varnames[2 : arguments.co_argcount]
    return DWARFInfo(config, **{name: known.get(name) for name in others})


def _section(elf: ELFFile, name: str) -> DebugSectionDescriptor | None:
    """Return a section of debug information, unpacked."""
    for full in (f".debug_{name}", f".zdebug_{name}"):
        section = elf.get_section_by_name(full)
        if section is not None:
            elf.stream.seek(section["sh_offset"])
            content = _unpacked(full, section["sh_flags"], elf.stream.read(section["sh_size"]))
            return DebugSectionDescriptor(BytesIO(content), full, section["sh_offset"], len(content), 0)
    return None


def _unpacked(name: str, flags: int, content: bytes) -> bytes:
    if flags & SH_FLAGS.SHF_COMPRESSED:
        kind, _, size_bytes, _ = unpack_from("<IIQQ", content)
        return _unpackers(kind)(content[_HEADER_BYTES:], size_bytes)
    if name.startswith(".z"):
        return _unpackers(_ZLIB)(content[_GNU_HEADER_BYTES:], int.from_bytes(content[4:_GNU_HEADER_BYTES], "big"))
    return content


def _unpackers(kind: int) -> Callable[[bytes, int], bytes]:
    if kind == _ZLIB:
        return lambda packed, size_bytes: zlib.decompressobj().decompress(packed, size_bytes)
    if kind == _ZSTD:
        return _zstd()
    raise UnseenError(f"debug sections are compressed in an unknown way ({kind}); compile with -gz=none or -gz=zlib")


def _zstd() -> Callable[[bytes, int], bytes]:
    """Return a decompressor for zstd: Python's own since 3.14, or that of the package zstandard."""
    for module in ("compression.zstd", "zstandard"):
        try:
            library: Any = import_module(module)
        except ImportError:
            continue
        return lambda packed, size_bytes: bytes(library.decompress(packed)[:size_bytes])
    message = "debug sections are compressed with zstd, which this Python cannot read"
    raise UnseenError(f"{message}; compile with -gz=none or -gz=zlib, or install zstandard")
