"""What a node of a device tree needs of others: clocks, resets, pins, power, regulators, by the phandles in it.

The properties are those of dt-schema's core and of Documentation/devicetree/bindings: each a list of phandles, and
behind each phandle as many cells as the node there says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.read.flat_tree import CELL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.guests.tree_index import Indexed
    from sdfgen.read.flat_tree import TreeNode

_CELLS_OF = {
    "clocks": "#clock-cells",
    "resets": "#reset-cells",
    "power-domains": "#power-domain-cells",
    "phys": "#phy-cells",
    "dmas": "#dma-cells",
    "iommus": "#iommu-cells",
}
"""Whose provider must be there for a driver to begin, and what says how many cells follow."""
_WITHOUT_CELLS = ("mmc-pwrseq",)
_SUPPLY, _PINCTRL = "-supply", "pinctrl-"


def by_phandle(nodes: dict[str, Indexed]) -> dict[int, str]:
    """Return the path of each node that others can refer to, by its phandle; of two, the first.

    Args:
        nodes: The nodes by path.
    """
    found: dict[int, str] = {}
    for path, at in nodes.items():
        phandle = at.node.cell("phandle", at.node.cell("linux,phandle"))
        if phandle is not None:
            found.setdefault(phandle, path)
    return found


def suppliers(node: TreeNode, nodes: dict[str, Indexed], phandles: dict[int, str]) -> Iterator[tuple[str, str]]:
    """Yield property and path of each node that a node needs; nothing behind what cannot be read.

    Args:
        node: The node.
        nodes: The nodes by path.
        phandles: Their paths by phandle.
    """
    for name, data in node.properties.items():
        cells_of = _CELLS_OF.get(name)
        if cells_of is None and not _names_nodes(name):
            continue
        at = 0
        while at + CELL.size <= len(data):
            path = phandles.get(CELL.unpack_from(data, at)[0])
            if path is None:
                break
            yield name, path
            more = nodes[path].node.cell(cells_of, 0) if cells_of is not None else 0
            at += CELL.size * (1 + (more or 0))


def _names_nodes(name: str) -> bool:
    is_pinctrl = name.startswith(_PINCTRL) and name.removeprefix(_PINCTRL).isdigit()
    return is_pinctrl or name.endswith(_SUPPLY) or name in _WITHOUT_CELLS
