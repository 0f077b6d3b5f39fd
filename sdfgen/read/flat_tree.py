"""Device trees in the flattened form: what a `.dtb` file holds, byte for byte.

The form is chapter 5 of the Devicetree Specification. Files are the author's: nothing in one is believed before it is
looked at, and reading one takes time in proportion to its size.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = Struct(">10I")
MAGIC = 0xD00DFEED
VERSION = 17
COMPATIBLE_VERSION = 16
"""The oldest version whose nodes have names as they are now: earlier ones have whole paths."""
BEGIN_NODE, END_NODE, PROPERTY, NOTHING, END = 1, 2, 3, 4, 9
MOST_BYTES = 2 * 2**20
"""Documentation/arch/arm64/booting.rst: a device tree blob must not exceed 2 megabytes."""
MOST_LEVELS = 64
"""FDT_MAX_DEPTH of drivers/of/fdt.c: Linux passes over what lies deeper."""
CELL = Struct(">I")
_PROPERTY_HEAD = Struct(">2I")
_RESERVATION = Struct(">2Q")
_VERSION_WITH_SIZE = 17
"""From here on the header tells the size of the nodes."""


class FlatTreeError(Exception):
    """A file is no device tree that can be read.

    Attributes:
        what: What it is instead, or what it lacks, as the end of a sentence.
        advice: What to do about it.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice or "it may be damaged: make it anew, and see that `dtc -I dtb FILE` takes it"


class TreeNode(NamedTuple):
    """A node: its name without the path, properties by name as they stand there, and what is below it."""

    name: str
    properties: dict[str, bytes]
    children: tuple[TreeNode, ...]

    def child(self, name: str) -> TreeNode | None:
        """Return the node of a name right below; of two, the first."""
        return next((node for node in self.children if node.name == name), None)

    def cell(self, name: str, default: int | None = None) -> int | None:
        """Return a property that is one 32-bit number; the default without one."""
        data = self.properties.get(name, b"")
        return int(CELL.unpack(data)[0]) if len(data) == CELL.size else default

    def text(self, name: str) -> str:
        """Return a property's first string; empty without one."""
        return self.properties.get(name, b"").split(b"\0", 1)[0].decode("utf-8", "replace")


class FlatTree(NamedTuple):
    """A whole file: its root, reserved memory as it stands there, and the CPU that boots."""

    root: TreeNode
    reserved: bytes = bytes(_RESERVATION.size)
    boot_cpu: int = 0


class _Head(NamedTuple):
    total: int
    nodes: int
    names: int
    reserved: int
    form: int
    readable_as: int
    boot_cpu: int
    names_bytes: int
    nodes_bytes: int


def read_flat_tree(data: bytes) -> FlatTree:
    """Read a device tree.

    Args:
        data: The file, or its first `MOST_BYTES` and one more.

    Raises:
        FlatTreeError: When it is none.
    """
    head = _head(data)
    data = data[: head.total]
    nodes_end = head.nodes + head.nodes_bytes if head.form >= _VERSION_WITH_SIZE else head.total
    if max(nodes_end, head.names + head.names_bytes) > head.total or head.nodes % CELL.size:
        raise FlatTreeError("is a device tree whose header leads beyond its end")
    names = data[head.names : head.names + head.names_bytes]
    root = _Reader(data[:nodes_end], head.nodes, names).tree()
    return FlatTree(root, _reserved(data, head.reserved), head.boot_cpu)


def _head(data: bytes) -> _Head:
    if data[: CELL.size] != CELL.pack(MAGIC):
        raise _no_tree(data)
    if len(data) < HEADER.size:
        raise FlatTreeError(f"is cut off: it has {len(data)} bytes, the header of a device tree {HEADER.size}")
    head = _Head(*HEADER.unpack_from(data)[1:])
    if head.form < COMPATIBLE_VERSION or head.readable_as > VERSION:
        what = f"is a device tree of version {head.form} (as {head.readable_as}); Linux's form is {VERSION}"
        raise FlatTreeError(what, "write it anew: dtc -I dtb -O dtb -V 17 -o NEW.dtb FILE")
    if head.total > MOST_BYTES:
        most = size_text(MOST_BYTES)
        raise FlatTreeError(
            f"has {size_text(head.total)}; Linux takes a device tree of {most} at most", "make it smaller"
        )
    if head.total > len(data):
        raise FlatTreeError(f"is cut off: it has {len(data)} bytes, and its header tells of {head.total}")
    return head


def _no_tree(data: bytes) -> FlatTreeError:
    """Say what a file is that does not begin like a device tree."""
    from sdfgen.read.kinds import device_tree_source, kind_of

    if not data:
        return FlatTreeError("is empty", "it should be what `dtc -I dts -O dtb` makes")
    if device_tree_source(data):
        command = "compile it: dtc -I dts -O dtb -o NAME.dtb FILE"
        return FlatTreeError("is the source of a device tree, and not compiled", command)
    return FlatTreeError(
        f"is no device tree: it is {kind_of(data).name}", "give the .dtb that `dtc -I dts -O dtb` makes"
    )


def _reserved(data: bytes, offset: int) -> bytes:
    """Return the entries of reserved memory, the one that ends them included."""
    end = offset
    while end + _RESERVATION.size <= len(data):
        entry = data[end : end + _RESERVATION.size]
        end += _RESERVATION.size
        if not any(entry):
            return data[offset:end]
    raise FlatTreeError("is a device tree whose reserved memory leads beyond its end")


class _Open(NamedTuple):
    """A node that has not ended yet."""

    name: str
    properties: dict[str, bytes]
    children: list[TreeNode]


class _Reader:
    """Goes through the nodes' tokens, each of which takes it further."""

    def __init__(self, data: bytes, start: int, names: bytes) -> None:
        self._data = data
        self._at = start
        self._names = names
        self._known: dict[int, str] = {}

    def tree(self) -> TreeNode:
        """Return the root."""
        outside = _Open("", {}, [])
        stack = [outside]
        while (token := self._cell()) != END:
            if token == BEGIN_NODE:
                stack.append(self._begin(stack))
            elif token == END_NODE and len(stack) > 1:
                node = stack.pop()
                stack[-1].children.append(TreeNode(node.name, node.properties, tuple(node.children)))
            elif token == PROPERTY and len(stack) > 1:
                name, value = self._property()
                stack[-1].properties.setdefault(name, value)
            elif token != NOTHING:
                raise self._broken(f"token {token:#x} where none such may be")
        if len(stack) > 1 or len(outside.children) != 1:
            raise self._broken("no root, or nodes that do not end")
        return outside.children[0]

    def _begin(self, stack: list[_Open]) -> _Open:
        if len(stack) > MOST_LEVELS:
            raise self._broken(f"nodes more than {MOST_LEVELS} levels deep")
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise self._broken("a name that does not end")
        name = self._data[self._at : end].decode("latin-1")
        self._at = end + 1 + -(end + 1) % CELL.size
        return _Open(name, {}, [])

    def _property(self) -> tuple[str, bytes]:
        if self._at + _PROPERTY_HEAD.size > len(self._data):
            raise self._broken("a property that does not end")
        size, name = _PROPERTY_HEAD.unpack_from(self._data, self._at)
        start = self._at + _PROPERTY_HEAD.size
        if start + size > len(self._data):
            raise self._broken("a property that leads beyond its end")
        self._at = start + size + -size % CELL.size
        return self._name(name), self._data[start : start + size]

    def _name(self, offset: int) -> str:
        if offset not in self._known:
            end = self._names.find(b"\0", offset)
            if end < 0:
                raise self._broken("a property whose name lies beyond its end")
            self._known[offset] = self._names[offset:end].decode("latin-1")
        return self._known[offset]

    def _cell(self) -> int:
        if self._at + CELL.size > len(self._data):
            raise self._broken("no end")
        self._at += CELL.size
        return int(CELL.unpack_from(self._data, self._at - CELL.size)[0])

    def _broken(self, what: str) -> FlatTreeError:
        return FlatTreeError(f"is a broken device tree: at byte {self._at}, {what}")


def flat_tree_bytes(tree: FlatTree) -> bytes:
    """Return the file of a tree: header, reserved memory, nodes, names of properties.

    Args:
        tree: The tree.
    """
    names: dict[str, int] = {}
    block = bytearray()
    nodes = bytearray()
    for part in _flat(tree.root, names, block):
        nodes += part
    nodes += CELL.pack(END)
    start = HEADER.size + len(tree.reserved)
    end = start + len(nodes)
    places = (end + len(block), start, end, HEADER.size)
    versions = (VERSION, COMPATIBLE_VERSION, tree.boot_cpu)
    head = HEADER.pack(MAGIC, *places, *versions, len(block), len(nodes))
    return b"".join((head, tree.reserved, nodes, block))


def _flat(node: TreeNode, names: dict[str, int], block: bytearray) -> Iterator[bytes]:
    yield CELL.pack(BEGIN_NODE) + _padded(node.name.encode("latin-1") + b"\0")
    for name, value in node.properties.items():
        if name not in names:
            names[name] = len(block)
            block += name.encode("latin-1") + b"\0"
        yield CELL.pack(PROPERTY) + _PROPERTY_HEAD.pack(len(value), names[name]) + _padded(value)
    for child in node.children:
        yield from _flat(child, names, block)
    yield CELL.pack(END_NODE)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % CELL.size)
