"""The types of an ELF's variables, from its debug information."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from sdfgen.read.memory import UnreadableError

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

_WRAPPERS = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")
_MOST_WRAPPERS = 100
_POINTER_BYTES = 8


class Types:
    """Knows the type of each variable of an object that was compiled here, with debug information.

    Args:
        content: The object.
    """

    def __init__(self, content: bytes) -> None:
        from elftools.elf.elffile import ELFFile

        dwarf = ELFFile(BytesIO(content)).get_dwarf_info(relocate_dwarf_sections=True)
        self._variables: dict[str, DIE] = {}
        for unit in dwarf.iter_CUs():
            for entry in unit.get_top_DIE().iter_children():
                if entry.tag == "DW_TAG_variable":
                    self._add(entry)

    def _add(self, entry: DIE) -> None:
        declared = entry
        if "DW_AT_specification" in entry.attributes:
            declared = entry.get_DIE_from_attribute("DW_AT_specification")
        name = declared.attributes.get("DW_AT_name")
        typed = entry if "DW_AT_type" in entry.attributes else declared
        if name is not None and "DW_AT_declaration" not in entry.attributes:
            self._variables[name.value.decode(errors="replace")] = target(typed)

    def of(self, variable: str) -> DIE:
        """Return the type of a variable.

        Raises:
            UnreadableError: There is no such variable.
        """
        if variable not in self._variables:
            raise UnreadableError(f"there is no variable `{variable}`")
        return self._variables[variable]


def target(entry: DIE) -> DIE:
    """Return the type that an entry refers to, past typedefs and qualifiers."""
    kind = entry.get_DIE_from_attribute("DW_AT_type")
    for _ in range(_MOST_WRAPPERS):
        if kind.tag not in _WRAPPERS:
            return kind
        kind = kind.get_DIE_from_attribute("DW_AT_type")
    raise UnreadableError("a type stands for itself")


def members(record: DIE) -> dict[str, tuple[int, DIE]]:
    """Return offset and type of each member of a structure, by its name."""
    return {
        child.attributes["DW_AT_name"].value.decode(): (
            int(child.attributes["DW_AT_data_member_location"].value),
            target(child),
        )
        for child in record.iter_children()
        if child.tag == "DW_TAG_member"
    }


def count(array: DIE) -> int:
    """Return how many elements an array has."""
    (dimension,) = (child.attributes for child in array.iter_children() if child.tag == "DW_TAG_subrange_type")
    if "DW_AT_count" in dimension:
        return int(dimension["DW_AT_count"].value)
    return int(dimension["DW_AT_upper_bound"].value) + 1


def size_bytes(kind: DIE) -> int:
    """Return the size of a value."""
    if kind.tag == "DW_TAG_pointer_type":
        return _POINTER_BYTES
    if kind.tag == "DW_TAG_array_type":
        return count(kind) * size_bytes(target(kind))
    return int(kind.attributes["DW_AT_byte_size"].value)
