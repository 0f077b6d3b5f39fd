"""Structures in sections of their own, which tools fill in after a program is linked: sDDF's and libvmm's.

sDDF 0.7, include/sddf/*/config.h and resources/*.h; libvmm 0.2, include/libvmm/config.h. Each begins with a magic word.
How they lie is told by the program's debug information, so that it need not be that of one version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from sdfgen.read.memory import UnreadableError
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.dwarf.die import DIE
    from elftools.elf.elffile import ELFFile

_ENDS = ("_config", ".device_resources")
"""What the names of their sections end with."""
_MARKS = tuple(f"{end}\0".encode() for end in _ENDS)
_MAGICS = (b"sDDF", b"vmm")
_ALLOC = 2
_DEEPEST = 20
_MOST_TYPES = 5000
_MOST_ELEMENTS = 1 << 16

Value = Any
"""A number; a list of values; or values by the names of members."""


class _Shape(NamedTuple):
    """How a type lies in memory: a number, `length` elements of one shape, or members by name."""

    size_bytes: int
    length: int | None = None
    element: Any = None
    members: Any = None


class Config(NamedTuple):
    """A structure that was filled in.

    Attributes:
        name: The variable.
        value: What it holds.
    """

    name: str
    value: Value


_shapes: dict[tuple[str, int, bytes], _Shape] = {}
"""Of sections by name, size and magic word: images of one system are built from one header."""


def configs(path: str, names: bytes) -> Iterator[Config]:
    """Yield the structures of a program that are filled in.

    Args:
        path: The ELF.
        names: The names of its sections and symbols.

    Raises:
        UnreadableError: There is one, and nothing tells how it lies.
    """
    if not any(mark in names for mark in _MARKS):
        return
    try:
        with open(path, "rb") as file:
            yield from _configs(file)
    except UnreadableError:
        raise
    except Exception as error:  # whatever the library stumbles over in a file that somebody cut or overwrote
        raise UnreadableError(f"its debug information is not sound ({type(error).__name__})") from error


def _configs(file: BinaryIO) -> Iterator[Config]:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(file)
    for number, section in enumerate(elf.iter_sections()):
        if not section["sh_flags"] & _ALLOC or section["sh_type"] != "SHT_PROGBITS" or not section.name.endswith(_ENDS):
            continue
        data = section.data()
        magic = next((magic for magic in _MAGICS if data.startswith(magic)), None)
        if magic is not None:
            name = _variable(elf, number, section.name)
            key = (section.name, len(data), data[: len(magic) + 1])
            if key not in _shapes:
                _shapes[key] = _shape_of(file, name)
            yield Config(name, _value(_shapes[key], data, 0))


def _variable(elf: ELFFile, number: int, section: str) -> str:
    """Return the name of the variable in a section."""
    from sdfgen.read.program import symbol_entries

    found = [name for name, index, symbol in symbol_entries(elf) or () if index == number and symbol.size_bytes]
    if not found:
        raise UnreadableError(f"no symbol says what is in {section}")
    return found[0].decode(errors="replace")


def _shape_of(file: BinaryIO, name: str) -> _Shape:
    from sdfgen.read.debug_types import Types

    file.seek(0)
    content = file.read()
    return _shape(Types(content).of(name), 0, iter(range(_MOST_TYPES)))


def _shape(kind: DIE, depth: int, left: Iterator[int]) -> _Shape:
    from sdfgen.read.debug_types import count, members, size_bytes, target

    if depth > _DEEPEST or next(left, None) is None:
        raise UnreadableError("its types nest too deeply")
    if kind.tag == "DW_TAG_array_type":
        if count(kind) > _MOST_ELEMENTS:
            raise UnreadableError("it has an array that is too long")
        element = _shape(target(kind), depth + 1, left)
        return _Shape(element.size_bytes * count(kind), length=count(kind), element=element)
    if kind.tag == "DW_TAG_structure_type":
        inner = {name: (offset, _shape(one, depth + 1, left)) for name, (offset, one) in members(kind).items()}
        return _Shape(size_bytes(kind), members=inner)
    return _Shape(size_bytes(kind))


def _value(shape: _Shape, data: bytes, at: int) -> Value:
    if shape.length is not None:
        return [_value(shape.element, data, at + index * shape.element.size_bytes) for index in range(shape.length)]
    if shape.members is not None:
        return {name: _value(inner, data, at + offset) for name, (offset, inner) in shape.members.items()}
    return int.from_bytes(data[at : at + shape.size_bytes], "little")
