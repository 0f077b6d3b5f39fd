"""Follows a path such as `config.clients[2].base` through types, to a value or to all its parts."""

from __future__ import annotations

import re
from collections import defaultdict
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from elftools.dwarf.dwarf_expr import DWARFExprParser

from patcher.debug_info import LostError, UnseenError, reading
from patcher.encoding import SIZES_BYTES
from patcher.values import Leaf, TypeLeaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.dwarf.die import DIE, AttributeValue

    from patcher.debug_info import DebugInfo
    from patcher.values import Symbol

MAX_LEAVES: Final = 1 << 16
_STEP: Final = re.compile(r"\.([^.\[]+)|\[([0-9]{1,18})\]")
_MAX_NESTING: Final = 64
_WRAPPERS: Final = frozenset(
    f"DW_TAG_{kind}" for kind in ("typedef", "const_type", "volatile_type", "atomic_type", "restrict_type")
)
_VOLATILE: Final = frozenset({"DW_TAG_volatile_type", "DW_TAG_atomic_type"})
_RECORDS: Final = frozenset(f"DW_TAG_{kind}" for kind in ("structure_type", "union_type", "class_type"))
_KINDS: Final = {"DW_TAG_enumeration_type": "enumeration", "DW_TAG_pointer_type": "pointer"}
_ENCODINGS: Final = {
    2: "boolean",
    3: "float",
    4: "float",
    5: "signed",
    6: "signed",
    7: "unsigned",
    8: "unsigned",
    0x10: "unsigned",
}
"""By DW_ATE_*. An uint8_t is an unsigned char by that, and no text: char is known by its name."""
_CHARACTERS: Final = (b"char", b"char8_t")
_NOT_PATCHED: Final = frozenset({"float", "other"})


class Spot(NamedTuple):
    """How far a path has been followed.

    Attributes:
        path: The steps so far, for messages.
        type: The debug information entry of the type there; of an array, of its elements.
        dimensions: Element counts of the array dimensions that are not indexed yet; -1 when unknown.
        offset_bytes: How far from the start of the variable.
        volatile: The compiler may not put its value into the code.
    """

    path: str
    type: DIE
    dimensions: tuple[int, ...]
    offset_bytes: int
    volatile: bool


class Types:
    """Follows paths through the types of one file."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._units: dict[object, dict[int, list[DIE]]] = {}

    def spot(self, path: str, base: str, symbol: Symbol) -> Spot:
        """Follow a path to its end.

        Args:
            path: The path.
            base: What it starts from: a variable's name, or `[.section]`.
            symbol: The symbol of that variable.

        Raises:
            LostError: It cannot be followed.
            UnseenError: Debug information says nothing about the variable.
        """
        entry = self._info.variable(symbol).entry
        with reading():
            kind = self._info.type_of(entry)
            if kind is None:
                raise UnseenError("debug information has no types, as -g1 leaves them out; compile with -g")
            spot = self._entered(base, kind, 0, volatile=False)
            for member, index in _STEP.findall(path[len(base) :]):
                spot = self._member(spot, member) if member else self._element(spot, int(index))
            return spot

    def leaf(self, path: str, base: str, symbol: Symbol) -> Leaf:
        """Find the value that a path leads to.

        Args:
            path: The path.
            base: What it starts from: a variable's name, or `[.section]`.
            symbol: The symbol of that variable.

        Raises:
            LostError: It leads to nothing that can be patched.
            UnseenError: Debug information says nothing about the variable.
        """
        spot = self.spot(path, base, symbol)
        with reading():
            kind, size_bytes = self._value(spot)
        return Leaf(base, spot.offset_bytes, size_bytes, spot.dimensions, kind)

    def leaves(self, path: str, base: str, symbol: Symbol) -> tuple[TypeLeaf, ...]:
        """Return every part without parts of what a path leads to, in the order of offsets.

        Args:
            path: The path.
            base: What it starts from: a variable's name, or `[.section]`.
            symbol: The symbol of that variable.

        Raises:
            LostError: It cannot be followed, or there are too many.
            UnseenError: Debug information says nothing about the variable.
        """
        start = self.spot(path, base, symbol)
        with reading():
            found: list[TypeLeaf] = []
            for leaf in self._parts(start, _MAX_NESTING):
                if len(found) == MAX_LEAVES:
                    raise LostError(f"`{path}` has more than {MAX_LEAVES} parts; describe a part of it")
                suffix = leaf.path.removeprefix(path)
                found.append(leaf._replace(path=suffix, offset_bytes=leaf.offset_bytes - start.offset_bytes))
        return tuple(sorted(found, key=lambda leaf: leaf.offset_bytes))

    def _parts(self, spot: Spot, depth: int) -> Iterator[TypeLeaf]:
        kind, size_bytes = _kind(spot.type), self._size_bytes(spot)
        if depth == 0:
            raise LostError("its type is nested too deeply; build the file again")
        if spot.dimensions and spot.dimensions[0] <= 0:
            yield TypeLeaf(spot.path, spot.offset_bytes, 0, "flexible array")
        elif kind == "character" and len(spot.dimensions) == 1:
            yield TypeLeaf(spot.path, spot.offset_bytes, spot.dimensions[0], "text")
        elif spot.dimensions:
            for index in range(spot.dimensions[0]):
                yield from self._parts(self._element(spot, index), depth)
        elif spot.type.tag in _RECORDS:
            for name, (member, offset_bytes) in self._members(spot.type):
                yield from self._member_parts(spot, name, member, offset_bytes, depth - 1)
        else:
            yield TypeLeaf(spot.path, spot.offset_bytes, size_bytes, kind)

    def _member_parts(self, spot: Spot, name: str, member: DIE, offset_bytes: int, depth: int) -> Iterator[TypeLeaf]:
        inner = self._entered(
            f"{spot.path}.{name}", self._type(member), spot.offset_bytes + offset_bytes, volatile=False
        )
        if "DW_AT_bit_size" in member.attributes:
            size_bytes = self._size_bytes(inner)
            holder = inner.offset_bytes + _bit_offset(member) // (8 * size_bytes) * size_bytes
            yield TypeLeaf(inner.path, holder, size_bytes, "bit-field")
        else:
            yield from self._parts(inner, depth)

    def _type(self, entry: DIE) -> DIE:
        kind = self._info.type_of(entry)
        if kind is None:
            raise LostError("it leads to a value without a type; name another part")
        return kind

    def _entered(self, path: str, kind: DIE, offset_bytes: int, *, volatile: bool) -> Spot:
        """Look through typedefs and qualifiers, and split array types into dimensions and elements."""
        dimensions: tuple[int, ...] = ()
        for _ in range(_MAX_NESTING):
            if kind.tag in _WRAPPERS:
                volatile = volatile or kind.tag in _VOLATILE
                inner = self._info.type_of(kind)
            elif kind.tag == "DW_TAG_array_type":
                dimensions += self._dimensions(kind)
                inner = self._type(kind)
            elif "DW_AT_signature" in kind.attributes:
                inner = self._info.followed(kind, "DW_AT_signature")
            else:
                return Spot(path, kind, dimensions, offset_bytes, volatile)
            if inner is None:
                raise LostError(f"`{path}` is of no type; only integers, enumerations and pointers can be patched")
            kind = inner
        raise LostError("its type is nested too deeply; build the file again")

    def _dimensions(self, array: DIE) -> tuple[int, ...]:
        ranges = [child.attributes for child in self._children(array, "DW_TAG_subrange_type")]
        return tuple(
            _constant(one["DW_AT_count"]) if "DW_AT_count" in one else _constant(one.get("DW_AT_upper_bound")) + 1
            for one in ranges
        )

    def _member(self, spot: Spot, name: str) -> Spot:
        if spot.dimensions:
            raise LostError(f"`{spot.path}` is an array; index it")
        if spot.type.tag not in _RECORDS:
            raise LostError(f"`{spot.path}` has no members; end the path there")
        known = dict(self._members(spot.type))
        if name not in known:
            raise LostError(f"`{spot.path}` has no member `{name}`; {_known(name, known)}")
        member, offset_bytes = known[name]
        if "DW_AT_bit_size" in member.attributes:
            raise LostError(f"`{spot.path}.{name}` is a bit-field; patch the integer that holds it")
        path, start = f"{spot.path}.{name}", spot.offset_bytes + offset_bytes
        return self._entered(path, self._type(member), start, volatile=spot.volatile)

    def _members(self, record: DIE) -> Iterator[tuple[str, tuple[DIE, int]]]:
        """Give every member by name with its offset; members of unnamed ones count as own."""
        pending, seen = [(record, 0)], set()
        while pending:
            kind, offset_bytes = pending.pop()
            if (kind.cu, kind.offset) in seen:
                continue
            seen.add((kind.cu, kind.offset))
            for child in self._children(kind, "DW_TAG_member"):
                start = offset_bytes + _member_offset(child)
                if name := self._info.name_of(child):
                    yield name, (child, start)
                elif "DW_AT_bit_size" not in child.attributes:
                    pending.append((self._entered("", self._type(child), 0, volatile=False).type, start))

    def _element(self, spot: Spot, index: int) -> Spot:
        if not spot.dimensions:
            raise LostError(f"`{spot.path}` is no array; leave out the index")
        count, *inner = spot.dimensions
        if count <= 0:
            raise LostError(f"`{spot.path}` is a flexible array, which has no elements in its type; name another part")
        if index >= count:
            raise LostError(f"`{spot.path}` has {count} elements, none with index {index}; count from 0")
        offset_bytes = spot.offset_bytes + index * prod(inner) * self._size_bytes(spot)
        return spot._replace(path=f"{spot.path}[{index}]", dimensions=tuple(inner), offset_bytes=offset_bytes)

    @staticmethod
    def _size_bytes(spot: Spot) -> int:
        """Return the size of what is there; of an array, of one element."""
        if "DW_AT_byte_size" in spot.type.attributes:
            return int(spot.type.attributes["DW_AT_byte_size"].value)
        if spot.type.tag == "DW_TAG_pointer_type":
            return int(spot.type.cu["address_size"])
        raise LostError("an element has no known size; complete its type")

    def _value(self, spot: Spot) -> tuple[str, int]:
        """Return kind and size of a value that can be patched."""
        if spot.type.tag in _RECORDS:
            if spot.dimensions:
                raise LostError(f"`{spot.path}` is an array; index it")
            members = ", ".join(sorted(dict(self._members(spot.type)))) or "none"
            raise LostError(f"`{spot.path}` is a structure; name a member of it ({members})")
        kind = _kind(spot.type)
        if kind in _NOT_PATCHED:
            what = "a floating-point number" if kind == "float" else "of another type"
            raise LostError(f"`{spot.path}` is {what}; only integers, enumerations and pointers can be patched")
        if any(count <= 0 for count in spot.dimensions):
            raise LostError(f"`{spot.path}` is a flexible array, which has no elements in its type; name another part")
        size_bytes = self._size_bytes(spot)
        if size_bytes not in SIZES_BYTES:
            raise LostError(f"`{spot.path}` has {size_bytes} bytes; only 1, 2, 4 and 8 can be patched")
        return kind, size_bytes

    def _children(self, entry: DIE, tag: str) -> list[DIE]:
        """Return the children of an entry that have a tag, in their order.

        Each unit is read once from front to back. `DIE.iter_children` follows references between
        siblings instead, and never ends when a malformed file makes these a circle.
        """
        if entry.cu not in self._units:
            self._units[entry.cu] = _children_by_parent(entry)
        return [child for child in self._units[entry.cu][entry.offset] if child.tag == tag]


def _children_by_parent(entry: DIE) -> dict[int, list[DIE]]:
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


def _constant(attribute: AttributeValue | None) -> int:
    """Return a constant attribute; of an unknown array bound, -1."""
    return attribute.value if attribute is not None and isinstance(attribute.value, int) else -1


def _known(name: str, known: dict[str, tuple[DIE, int]]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"it has {', '.join(sorted(known)) or 'none'}"


def _member_offset(member: DIE) -> int:
    """Return where a member starts; DWARF 2 has an expression that adds to an address."""
    location = member.attributes.get("DW_AT_data_member_location")
    if location is None:
        return 0
    if isinstance(location.value, list):
        operations = DWARFExprParser(member.cu.structs).parse_expr(location.value)
        if len(operations) == 1 and operations[0].op_name == "DW_OP_plus_uconst":
            return int(operations[0].args[0])
    if not isinstance(location.value, int):
        raise LostError("a member has no constant offset; request a variable of its own")
    return location.value


def _bit_offset(member: DIE) -> int:
    """Return where a bit-field starts, in bits; before DWARF 4 the member's offset says where its integer starts."""
    return max(_constant(member.attributes.get("DW_AT_data_bit_offset")), 0)


def _kind(kind: DIE) -> str:
    if kind.tag != "DW_TAG_base_type":
        return _KINDS.get(str(kind.tag), "other")
    if "DW_AT_name" in kind.attributes and kind.attributes["DW_AT_name"].value in _CHARACTERS:
        return "character"
    return _ENCODINGS.get(_constant(kind.attributes.get("DW_AT_encoding")), "other")
