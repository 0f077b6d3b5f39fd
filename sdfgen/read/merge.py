"""Joins trees: files that include each other, and what overrides a description."""

from __future__ import annotations

from sdfgen.faults.fault import Fault, Faults
from sdfgen.read.toml import Node


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


def override(base: Node, other: Node) -> Node:
    """Lay `other` over `base`: tables merge, named tables of an array merge by name, the rest replaces."""
    if isinstance(base.value, dict) and isinstance(other.value, dict):
        merged = dict(base.value)
        for key, node in other.value.items():
            merged[key] = override(merged[key], node) if key in merged else node
        return Node(merged, base.where)
    if _is_named_array(base) and base.value and isinstance(other.value, dict):
        other = Node([_named(name, node) for name, node in other.value.items()], other.where)
    if _is_named_array(base) and _is_named_array(other):
        return Node(_override_by_name(base.value, other.value), base.where)
    return other


def _named(name: str, node: Node) -> Node:
    """Turn `client.NAME = {...}` into the element of an array of tables that it stands for."""
    if not isinstance(node.value, dict):
        return node
    return Node({"name": Node(name, node.where.of_key()), **node.value}, node.where)


def _is_named_array(node: Node) -> bool:
    return isinstance(node.value, list) and all(
        isinstance(item.value, dict) and isinstance(_name_of(item), str) for item in node.value
    )


def _name_of(node: Node) -> object:
    return node.value["name"].value if "name" in node.value else None


def _override_by_name(base: list[Node], other: list[Node]) -> list[Node]:
    later = {_name_of(node): node for node in other}
    known = {_name_of(node) for node in base}
    kept = [override(node, later[_name_of(node)]) if _name_of(node) in later else node for node in base]
    return kept + [node for node in other if _name_of(node) not in known]
