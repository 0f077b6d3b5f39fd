"""Device trees as values, and what is written of them: source text and blobs."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from sdfgen.read.flat_tree import BEGIN_NODE, COMPATIBLE_VERSION, END, END_NODE, HEADER, MAGIC, PROPERTY, VERSION
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "/"
OVERLAID_ROOT = "&{/}"
"""Name of the root node of an overlay: what is below it goes below the root of another tree."""

CELL_BITS = 32
INDENT = "\t"
LINE_CHARACTERS = 80

_BOOT_CPU = 0
_NO_RESERVATIONS = bytes(16)


class Cells(NamedTuple):
    """32-bit numbers in one pair of angle brackets; a string stands for the node with that label."""

    values: tuple[int | str, ...]
    decimal: bool = False


class Property(NamedTuple):
    """A property; one without values is true by being there."""

    name: str
    values: tuple[Cells | str, ...] = ()
    comment: str = ""


class Node(NamedTuple):
    """A node with all below it; one with a label has a phandle."""

    name: str
    properties: tuple[Property, ...] = ()
    children: tuple[Node, ...] = ()
    label: str = ""


def strings(name: str, *values: str) -> Property:
    """Return a property with strings."""
    return Property(name, values)


def numbers(name: str, *values: int, comment: str = "") -> Property:
    """Return a property with decimal numbers."""
    return Property(name, (Cells(values, decimal=True),), comment)


def flag(name: str) -> Property:
    """Return a property that is true by being there."""
    return Property(name)


def cells64(*values: int) -> Cells:
    """Return 64-bit numbers, two cells each: addresses and sizes."""
    low = (1 << CELL_BITS) - 1
    return Cells(tuple(cell for value in values for cell in (value >> CELL_BITS, value & low)))


def source(root: Node) -> str:
    """Return a whole .dts file, an overlay if the root is `OVERLAID_ROOT`.

    Every phandle is written out, so that each compiler gives the blob the same ones as `blob`.
    """
    lines = ["/dts-v1/;"]
    if root.name == OVERLAID_ROOT:
        lines.append("/plugin/;")
    lines.append("")
    _write_node(root, "", _phandles(root), lines)
    return "\n".join(lines) + "\n"


def blob(root: Node) -> bytes:
    """Return the .dtb file of a tree that is no overlay: header, reserved memory (none), nodes, names of properties."""
    names = _Names()
    nodes = [*_flat(root, _phandles(root), names), pack(">I", END)]
    content, strings = b"".join(nodes), bytes(names.block)
    start = HEADER.size + len(_NO_RESERVATIONS)
    end = start + len(content)
    sizes = (end + len(strings), start, end, HEADER.size)
    head = HEADER.pack(MAGIC, *sizes, VERSION, COMPATIBLE_VERSION, _BOOT_CPU, len(strings), len(content))
    return b"".join((head, _NO_RESERVATIONS, content, strings))


def _labelled(node: Node) -> Iterator[Node]:
    """Yield the nodes with a label in the order of the text."""
    if node.label:
        yield node
    for child in node.children:
        yield from _labelled(child)


def _phandles(root: Node) -> dict[str, int]:
    return {node.label: number for number, node in enumerate(_labelled(root), 1)}


def _with_phandle(node: Node, phandles: dict[str, int]) -> tuple[Property, ...]:
    if not node.label:
        return node.properties
    return (*node.properties, Property("phandle", (Cells((phandles[node.label],)),)))


def _write_node(node: Node, indent: str, phandles: dict[str, int], lines: list[str]) -> None:
    label = f"{node.label}: " if node.label else ""
    lines.append(f"{indent}{label}{node.name} {{")
    inner = indent + INDENT
    properties = _with_phandle(node, phandles)
    for name, values, comment in properties:
        value = f" = {_joined(list(map(_value_text, values)), inner + INDENT)}" if values else ""
        remark = f" /* {comment} */" if comment else ""
        lines.append(f"{inner}{name}{value};{remark}")
    for number, child in enumerate(node.children):
        if number or properties:
            lines.append("")
        _write_node(child, inner, phandles, lines)
    lines.append(f"{indent}}};")


def _joined(values: list[str], indent: str) -> str:
    """Join values on one line, or on one each where that grows too long."""
    line = ", ".join(values)
    return line if len(line) <= LINE_CHARACTERS or len(values) == 1 else f",\n{indent}".join(values)


def _value_text(value: Cells | str) -> str:
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    form = str if value.decimal else hex
    return f"<{' '.join(['&' + cell if isinstance(cell, str) else form(cell) for cell in value.values])}>"


def _escaped(text: str) -> str:
    """Escape what would end the string, and every byte that is no printable ASCII character."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    if text.isascii() and text.isprintable():
        return text
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in text.encode())  # noqa: PLR2004 - printable


class _Names:
    """The block of properties' names: each stands there once, and one may be the end of another."""

    def __init__(self) -> None:
        self.block = bytearray()
        self._places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """Return where a name stands, after adding it where it does not."""
        if name not in self._places:
            text = name.encode() + b"\0"
            found = self.block.find(text)
            self._places[name] = len(self.block) if found < 0 else found
            self.block += text if found < 0 else b""
        return self._places[name]


def _flat(node: Node, phandles: dict[str, int], names: _Names) -> Iterator[bytes]:
    yield pack(">I", BEGIN_NODE) + _padded(("" if node.name == ROOT else node.name).encode() + b"\0")
    for name, values, _ in _with_phandle(node, phandles):
        data = _value_bytes(values, phandles)
        yield pack(">3I", PROPERTY, len(data), names.place(name)) + _padded(data)
    for child in node.children:
        yield from _flat(child, phandles, names)
    yield pack(">I", END_NODE)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _value_bytes(values: tuple[Cells | str, ...], phandles: dict[str, int]) -> bytes:
    return b"".join(
        [value.encode() + b"\0" if isinstance(value, str) else _cell_bytes(value, phandles) for value in values]
    )


def _cell_bytes(cells: Cells, phandles: dict[str, int]) -> bytes:
    resolved = [phandles[cell] if isinstance(cell, str) else cell for cell in cells.values]
    return pack(f">{len(resolved)}I", *resolved)
