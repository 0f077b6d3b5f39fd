"""Keys of earlier versions of descriptions: each is told once, with how it is written now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.read.toml import Node

CORES = {
    "guest[].cpu": "`core`: a number, or a list with one for each virtual CPU",
    "guest[].vmm.cpu": "`core`",
    "guest_timer.cpu": "`core`",
}
"""Keys of guests; dotted paths, with `[]` behind an array of named tables."""

_DOCS = "docs/moving-to-2.md lists all keys that are written otherwise now"


def moved_faults(root: Node, moved: Mapping[str, str]) -> Iterator[Fault]:
    """Yield a fault for each key of a tree that is written otherwise now.

    Args:
        root: The description, or what overrides it on one board.
        moved: How each key is written now, by its dotted path; `[]` stands behind an array of named tables.
    """
    told: set[tuple[str | int, ...]] = set()
    for path in sorted(moved, key=lambda path: -path.count(".")):
        for node in _found(root, path.split(".")):
            place = node.where.path
            below = any(other[: len(place)] == place for other in told)
            if _is_table(node) and (below or not _only_moved(path, moved)):
                continue
            if not _is_table(node) and _only_moved(path, moved):
                continue
            told.add(place)
            yield Fault("SDF026", f"`{path.replace('[]', '')}` is now {moved[path]}", node.where.of_key(), _DOCS)


def _only_moved(path: str, moved: Mapping[str, str]) -> bool:
    """Tell whether a path was a table: others lie below it."""
    return any(other.startswith((f"{path}.", f"{path}[].")) for other in moved)


def _is_table(node: Node) -> bool:
    return isinstance(node.value, dict) or (
        isinstance(node.value, list) and all(isinstance(item.value, dict) for item in node.value)
    )


def _found(node: Node, steps: list[str]) -> Iterator[Node]:
    """Yield what lies at a path, through arrays and through tables that hold an array's elements by their names."""
    if not steps:
        yield node
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _found(item, steps)
    elif isinstance(node.value, dict):
        name = steps[0].removesuffix("[]")
        below = node.value.get(name)
        if below is None:
            return
        yield from _found(below, steps[1:])
        if name != steps[0] and len(steps) > 1 and isinstance(below.value, dict):
            for element in below.value.values():
                yield from _found(element, steps[1:])
