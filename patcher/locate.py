"""Locates variables with LIEF: symbols, segments, file offsets and relocations.

LIEF parses; it never writes. `Binary.write` changes bytes nobody asked it to, and
`Binary.patch_address` drops a value for .bss without an error.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import lief

from patcher import errors, rules
from patcher.errors import PatchError
from patcher.source import library_faults
from patcher.values import Image, Section, Segment, Symbol, sections_wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from patcher.values import Place
    from patcher.verify import Survey


def locate(path: str, survey: Survey) -> tuple[Place, ...]:
    """Find the places of all requests anew, by LIEF.

    Args:
        path: The file.
        survey: What pyelftools says about the same file.

    Returns:
        The same places that pyelftools found.

    Raises:
        PatchError: LIEF cannot read the file, or finds another place.
    """
    with _quiet(), library_faults(path):
        binary = _parsed(path)
        image = _image(path, binary, rules.wanted_names(request.symbol for request in survey.requests))
        places = rules.places(image, survey.requests, survey.facts.leaves)
        for place, expected in zip(places, survey.places, strict=True):
            offset = binary.virtual_address_to_offset(place.vaddr)
            if place != expected or offset != place.file_offset:
                message = f"LIEF and pyelftools find `{place.symbol}` in different places; link the file again"
                raise PatchError(errors.DISAGREEMENT, message, path, place.symbol)
    return places


def read_image(path: str, names: Collection[str]) -> Image:
    """Read with LIEF what the rules need to know about a file.

    Args:
        path: The file.
        names: The symbols to look for.

    Raises:
        PatchError: LIEF cannot read the file.
    """
    with _quiet(), library_faults(path):
        return _image(path, _parsed(path), names)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep LIEF from printing; it also warns of section and segment types that it has no name for."""
    from warnings import catch_warnings, simplefilter

    lief.logging.disable()
    with catch_warnings():
        simplefilter("ignore")
        yield


def _parsed(path: str) -> lief.ELF.Binary:
    binary = lief.ELF.parse(path)
    if binary is None:
        raise PatchError(errors.MALFORMED, "LIEF cannot parse the file; link it again", path)
    return binary


def _image(path: str, binary: lief.ELF.Binary, names: Collection[str]) -> Image:
    sections = tuple(_section(section) for section in binary.sections)
    return Image(
        path=path,
        segments=tuple(_segments(binary)),
        sections=sections,
        symbols=_symbols(binary, names, sections_wanted(sections, names)),
        relocated=sorted(_relocated(binary)),
        names=lambda: list(_variable_names(binary)),
    )


def _section(section: lief.ELF.Section) -> Section:
    flags = lief.ELF.Section.FLAGS
    nobits = section.type == lief.ELF.Section.TYPE.NOBITS
    return Section(str(section.name), section.has(flags.ALLOC), nobits, section.has(flags.WRITE))


def _segments(binary: lief.ELF.Binary) -> Iterator[Segment]:
    for segment in binary.segments:
        if segment.type == lief.ELF.Segment.TYPE.LOAD:
            yield Segment(segment.virtual_address, segment.virtual_size, segment.file_offset, segment.physical_size)


def _relocated(binary: lief.ELF.Binary) -> set[int]:
    """Leave out `object_relocations`: `--emit-relocs` keeps those, and no loader applies them."""
    return {entry.address for table in (binary.dynamic_relocations, binary.pltgot_relocations) for entry in table}


def _symbols(binary: lief.ELF.Binary, names: Collection[str], sections: Mapping[int, str]) -> dict[str, list[Symbol]]:
    found: dict[str, list[Symbol]] = {name: [] for name in sections.values()}
    for symbol in binary.symtab_symbols:
        name = symbol.name
        if name in names:
            found.setdefault(str(name), []).append(_symbol(symbol))
        if symbol.shndx in sections and (variable := _symbol(symbol)).is_variable:
            found[sections[symbol.shndx]].append(variable)
    return found


def _symbol(symbol: lief.ELF.Symbol) -> Symbol:
    information = symbol.information
    return Symbol(str(symbol.name), symbol.value, symbol.size, information & 15, symbol.shndx, information >> 4)


def _variable_names(binary: lief.ELF.Binary) -> Iterator[str]:
    return (symbol.name for symbol in map(_symbol, binary.symtab_symbols) if symbol.is_variable)
