"""Follows a path such as `config.clients[2].base` through debug information to an integer."""

from __future__ import annotations

import re
from collections import defaultdict
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from elftools.dwarf.dwarf_expr import DWARFExprParser
from elftools.elf.elffile import ELFFile

from patcher import errors
from patcher.errors import PatchError
from patcher.rules import SIZES_BYTES, base_of
from patcher.source import library_faults
from patcher.values import Leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elftools.dwarf.die import DIE, AttributeValue

    from patcher.source import Source

_STEP: Final = re.compile(r"\.([^.\[]+)|\[([0-9]{1,18})\]")
_MAX_NESTING: Final = 64
_WRAPPERS: Final = frozenset(
    f"DW_TAG_{kind}" for kind in ("typedef", "const_type", "volatile_type", "atomic_type", "restrict_type")
)
_RECORDS: Final = frozenset(f"DW_TAG_{kind}" for kind in ("structure_type", "union_type", "class_type"))
_INTEGERS: Final = frozenset(f"DW_TAG_{kind}" for kind in ("base_type", "enumeration_type", "pointer_type"))
_FLOATS: Final = (3, 4)
"""DW_ATE_complex_float and DW_ATE_float."""


class Tree:
    """Knows the children of debug information entries.

    It reads each unit once from front to back. `DIE.iter_children` follows references between
    siblings instead, and never ends when a malformed file makes these a circle.
    """

    def __init__(self) -> None:
        self._units: dict[object, dict[int, list[DIE]]] = {}

    def children(self, entry: DIE, tag: str) -> list[DIE]:
        """Return the children of an entry that have a tag, in their order."""
        if entry.cu not in self._units:
            self._units[entry.cu] = self._unit(entry)
        return [child for child in self._units[entry.cu][entry.offset] if child.tag == tag]

    @staticmethod
    def _unit(entry: DIE) -> dict[int, list[DIE]]:
        children: dict[int, list[DIE]] = defaultdict(list)
        above: list[int] = []
        for child in entry.cu.iter_DIEs():
            if child.is_null():
                del above[-1:]
                continue
            if above:
                children[above[-1]].append(child)
            if child.has_children:
                above.append(child.offset)
        return children


class Spot(NamedTuple):
    """How far a path has been followed.

    Attributes:
        tree: The debug information.
        path: The steps so far, for messages.
        type: The debug information entry of the type there; of an array, of its elements.
        dimensions: Element counts of the array dimensions that are not indexed yet.
        offset_bytes: How far from the start of the variable.
    """

    tree: Tree
    path: str
    type: DIE
    dimensions: tuple[int, ...]
    offset_bytes: int


class _LostError(Exception):
    """A path cannot be followed; the message says why and what to do."""


def find_leaves(source: Source, targets: Mapping[str, int]) -> dict[str, Leaf | PatchError]:
    """Find the integers that paths lead to.

    Args:
        source: The file.
        targets: Paths, each with the address of the variable it starts from.

    Returns:
        For each path its leaf, or the fault that says why it leads to none.

    Raises:
        PatchError: The debug information is malformed.
    """
    with library_faults(source.path):
        wanted = {(base_of(path) or path, vaddr) for path, vaddr in targets.items()}
        variables = _variables(source, wanted)
        tree = Tree()
        found = {path: variables.get((base_of(path) or path, vaddr)) for path, vaddr in targets.items()}
        return {path: _leaf_or_fault(source.path, tree, path, variable) for path, variable in found.items()}


def _leaf_or_fault(file: str, tree: Tree, path: str, variable: DIE | None) -> Leaf | PatchError:
    try:
        return _leaf(tree, path, variable)
    except _LostError as lost:
        return PatchError(errors.BAD_PATH, f"`{path}` leads to no integer: {lost}", file, path)


def _variables(source: Source, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], DIE]:
    """Find the entry of each wanted variable, known by its name and address."""
    elf = ELFFile(source.stream)
    found: dict[tuple[str, int], DIE] = {}
    if not elf.has_dwarf_info(strict=True):
        return found
    names = {name.encode() for name, _ in wanted}
    for unit in elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False).iter_CUs():
        for entry in unit.iter_DIEs():
            if entry.tag == "DW_TAG_variable" and (name := _name(entry)) in names:
                found.setdefault((name.decode(), _address(entry)), entry)
        if wanted <= found.keys():
            break
    return found


def _name(entry: DIE) -> bytes:
    """Return the name of an entry; a definition apart from its declaration has it over there."""
    if "DW_AT_name" not in entry.attributes and "DW_AT_specification" in entry.attributes:
        entry = entry.get_DIE_from_attribute("DW_AT_specification")
    return bytes(entry.attributes["DW_AT_name"].value) if "DW_AT_name" in entry.attributes else b""


def _address(entry: DIE) -> int:
    """Return the address of a variable, or -1 when it has no fixed one."""
    location = entry.attributes.get("DW_AT_location")
    if location is None or location.form != "DW_FORM_exprloc":
        return -1
    operations = DWARFExprParser(entry.cu.structs).parse_expr(location.value)
    if len(operations) == 1 and operations[0].op_name == "DW_OP_addr":
        return int(operations[0].args[0])
    if len(operations) == 1 and operations[0].op_name == "DW_OP_addrx":
        return int(entry.dwarfinfo.get_addr(entry.cu, operations[0].args[0]))
    return -1


def _leaf(tree: Tree, path: str, variable: DIE | None) -> Leaf:
    base = base_of(path) or path
    if variable is None:
        raise _LostError(f"no debug information about `{base}`; compile with -g")
    spot = Spot(tree, base, _type_of(variable), (), 0)
    for member, index in _STEP.findall(path[len(base) :]):
        spot = _member(_entered(spot), member) if member else _element(_entered(spot), int(index))
    spot = _entered(spot)
    return Leaf(base, spot.offset_bytes, _integer_bytes(spot))


def _type_of(entry: DIE) -> DIE:
    if "DW_AT_type" not in entry.attributes and "DW_AT_specification" in entry.attributes:
        entry = entry.get_DIE_from_attribute("DW_AT_specification")
    return _bare(entry.get_DIE_from_attribute("DW_AT_type"))


def _bare(kind: DIE) -> DIE:
    """Look through typedefs and qualifiers; the limit ends circles in malformed files."""
    for _ in range(_MAX_NESTING):
        if kind.tag not in _WRAPPERS:
            return kind
        kind = kind.get_DIE_from_attribute("DW_AT_type")
    raise _LostError("its type is nested too deeply; build the file again")


def _entered(spot: Spot) -> Spot:
    """Split an array type into its dimensions and the type of its elements."""
    if spot.dimensions or spot.type.tag != "DW_TAG_array_type":
        return spot
    return spot._replace(type=_type_of(spot.type), dimensions=_dimensions(spot.tree, spot.type))


def _dimensions(tree: Tree, array: DIE) -> tuple[int, ...]:
    ranges = [child.attributes for child in tree.children(array, "DW_TAG_subrange_type")]
    return tuple(
        _number(one["DW_AT_count"]) if "DW_AT_count" in one else _number(one.get("DW_AT_upper_bound")) + 1
        for one in ranges
    )


def _number(attribute: AttributeValue | None) -> int:
    """Return a constant attribute; of an unknown array bound, -1."""
    return attribute.value if attribute is not None and isinstance(attribute.value, int) else -1


def _member(spot: Spot, name: str) -> Spot:
    if spot.dimensions:
        raise _LostError(f"`{spot.path}` is an array; index it")
    if spot.type.tag not in _RECORDS:
        raise _LostError(f"`{spot.path}` has no members; end the path there")
    known = dict(_members(spot.tree, spot.type))
    if name not in known:
        raise _LostError(f"`{spot.path}` has no member `{name}`; {_known(name, known)}")
    member, offset_bytes = known[name]
    if "DW_AT_bit_size" in member.attributes:
        raise _LostError(f"`{spot.path}.{name}` is a bit-field; patch the integer that holds it")
    return Spot(spot.tree, f"{spot.path}.{name}", _type_of(member), (), spot.offset_bytes + offset_bytes)


def _known(name: str, known: dict[str, tuple[DIE, int]]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"it has {', '.join(sorted(known)) or 'none'}"


def _members(tree: Tree, record: DIE) -> Iterator[tuple[str, tuple[DIE, int]]]:
    """Give every member by name with its offset; members of unnamed ones count as own."""
    pending, seen = [(record, 0)], set()
    while pending:
        kind, offset_bytes = pending.pop()
        if kind.offset in seen:
            continue
        seen.add(kind.offset)
        for child in tree.children(kind, "DW_TAG_member"):
            start = offset_bytes + _member_offset(child)
            if name := _name(child).decode(errors="replace"):
                yield name, (child, start)
            else:
                pending.append((_type_of(child), start))


def _member_offset(member: DIE) -> int:
    location = member.attributes.get("DW_AT_data_member_location")
    if location is None:
        return 0
    if not isinstance(location.value, int):
        raise _LostError("a member has no constant offset; request a variable of its own")
    return location.value


def _element(spot: Spot, index: int) -> Spot:
    if not spot.dimensions:
        raise _LostError(f"`{spot.path}` is no array; leave out the index")
    count, *inner = spot.dimensions
    if index >= count:
        raise _LostError(f"`{spot.path}` has {count} elements, none with index {index}; count from 0")
    offset_bytes = spot.offset_bytes + index * prod(inner) * _size_bytes(spot.tree, spot.type)
    return Spot(spot.tree, f"{spot.path}[{index}]", spot.type, tuple(inner), offset_bytes)


def _size_bytes(tree: Tree, kind: DIE) -> int:
    if kind.tag == "DW_TAG_array_type":
        return prod(_dimensions(tree, kind)) * _size_bytes(tree, _type_of(kind))
    if "DW_AT_byte_size" in kind.attributes:
        return int(kind.attributes["DW_AT_byte_size"].value)
    if kind.tag == "DW_TAG_pointer_type":
        return int(kind.cu["address_size"])
    raise _LostError("an element has no known size; complete its type")


def _integer_bytes(spot: Spot) -> int:
    encoding = spot.type.attributes.get("DW_AT_encoding")
    if spot.dimensions:
        raise _LostError(f"`{spot.path}` is an array; index it")
    if spot.type.tag in _RECORDS:
        members = ", ".join(sorted(dict(_members(spot.tree, spot.type)))) or "none"
        raise _LostError(f"`{spot.path}` is a structure; name a member of it ({members})")
    if spot.type.tag not in _INTEGERS or (encoding and encoding.value in _FLOATS):
        raise _LostError(f"`{spot.path}` is of another type; only integers, enumerations and pointers can be patched")
    size_bytes = _size_bytes(spot.tree, spot.type)
    if size_bytes not in SIZES_BYTES:
        raise _LostError(f"`{spot.path}` has {size_bytes} bytes; only 1, 2, 4 and 8 can be patched")
    return size_bytes
