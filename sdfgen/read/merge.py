"""Joins trees: files that include each other, and what overrides a description."""

from __future__ import annotations

from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.read.toml import Node

_SHOWN = 8
"""Names of an array that fit a line."""


def merge(base: Node, other: Node, faults: Faults) -> Node:
    """Join two tables of different files: tables merge, arrays join, anything else may stand once."""
    merged = dict(base.value)
    for key, node in other.value.items():
        merged[key] = _join(key, merged[key], node, faults) if key in merged else node
    return Node(merged, base.where)


def _join(key: str, base: Node, other: Node, faults: Faults) -> Node:
    if isinstance(base.value, dict) and isinstance(other.value, dict):
        return merge(base, other, faults)
    if isinstance(base.value, list) and isinstance(other.value, list):
        return Node(base.value + other.value, base.where)
    faults.add(
        Fault(
            "SDF006",
            f"`{key}` is set in two included files",
            other.where.of_key(),
            "keep one of the two",
            notes=((base.where.of_key(), "set here first"),),
        )
    )
    return base


def override(base: Node, other: Node, faults: Faults, path: str = "") -> Node:
    """Lay `other` over `base`: tables merge, named tables of an array merge by name, the rest replaces.

    A table over an array reaches into its elements, by name, or by number where they have none.

    Args:
        base: What is there.
        other: What goes over it.
        faults: Takes what leads to no element.
        path: Where in the description this is.
    """
    if isinstance(base.value, dict) and isinstance(other.value, dict):
        merged = dict(base.value)
        for key, node in other.value.items():
            merged[key] = override(merged[key], node, faults, f"{path}.{key}".lstrip(".")) if key in merged else node
        return Node(merged, base.where)
    if isinstance(base.value, list) and isinstance(other.value, dict):
        return _override_elements(base, other, faults, path)
    if _is_named_array(base) and _is_named_array(other):
        return Node(_override_by_name(base.value, other.value, faults, path), base.where)
    return other


def _override_elements(base: Node, other: Node, faults: Faults, path: str) -> Node:
    """Lay a table over the elements that its keys stand for."""
    elements = list(base.value)
    places = {_label(number, element): number for number, element in enumerate(elements)}
    for key, node in other.value.items():
        if key in places:
            number = places[key]
            elements[number] = override(elements[number], node, faults, f"{path}.{key}")
        else:
            faults.add(_no_element(key, node, list(places), path))
    return Node(elements, base.where)


def _label(number: int, element: Node) -> str:
    """Return what an element of an array is reached by."""
    name = _name_of(element) if isinstance(element.value, dict) else None
    return name if isinstance(name, str) else str(number)


def _no_element(key: str, node: Node, known: list[str], path: str) -> Fault:
    listed = ", ".join(f"`{name}`" for name in known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    message = f"`{path}` has no element `{key}`{suggestion(key, known)}"
    advice = f"it has {listed}" if known else "it is empty"
    return Fault("SDF019", message, node.where.of_key(), f"{advice}; new ones are added in the description")


def _is_named_array(node: Node) -> bool:
    return isinstance(node.value, list) and all(
        isinstance(item.value, dict) and isinstance(_name_of(item), str) for item in node.value
    )


def _name_of(node: Node) -> object:
    return node.value["name"].value if "name" in node.value else None


def _override_by_name(base: list[Node], other: list[Node], faults: Faults, path: str) -> list[Node]:
    later = {_name_of(node): node for node in other}
    known = {_name_of(node) for node in base}
    kept = [
        override(node, later[name], faults, f"{path}.{name}") if (name := _name_of(node)) in later else node
        for node in base
    ]
    return kept + [node for node in other if _name_of(node) not in known]
