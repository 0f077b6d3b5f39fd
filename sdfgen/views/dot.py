"""A system as a graph for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.graph import Box, Graph, Key, Line

_FILLS = {"domain": "#e8f0fe", "machine": "#e6f4ea", "device": "#fef7e0", "region": "#f3e8fd"}


def as_dot(graph: Graph) -> str:
    """Return the text of a graph.

    Args:
        graph: Boxes and lines.
    """
    ids = {box.key: f"n{number}" for number, box in enumerate(box for outer in graph.boxes for box in outer.all())}
    whole = {box.key for outer in graph.boxes for box in outer.all() if box.inside}
    lines = ["digraph system {", f"  label={_quoted(graph.title)}; labelloc=t; rankdir=LR; compound=true;"]
    lines += ["  node [shape=box, style=filled, fontname=monospace]; edge [fontname=monospace, fontsize=10];"]
    for box in graph.boxes:
        lines += _box(box, ids, "  ")
    lines += [_line(line, ids, whole) for line in graph.lines]
    return "\n".join([*lines, "}"]) + "\n"


def _box(box: Box, ids: dict[Key, str], indent: str) -> Iterator[str]:
    """Yield a box; one that holds others is a cluster with a node of its own, where its lines end."""
    name, fill = ids[box.key], _FILLS[box.kind]
    edge = ', color="#c5221f", penwidth=3' if box.dma else ""
    node = f'{name} [label={_quoted(box.name, *box.rows)}, fillcolor="{fill}"{edge}];'
    if not box.inside:
        yield f"{indent}{node}"
        return
    yield f"{indent}subgraph cluster_{name} {{"
    yield f'{indent}  style=filled; fillcolor="{fill}"; label={_quoted(box.name)};'
    yield f"{indent}  {node}"
    for inner in box.inside:
        yield from _box(inner, ids, indent + "  ")
    yield f"{indent}}}"


def _line(line: Line, ids: dict[Key, str], whole: set[Key]) -> str:
    label = _quoted(*(" ".join(filter(None, one)) for one in line.labels))
    way = {(True, True): "both", (True, False): "back", (False, True): "forward"}.get(
        (line.to_one, line.to_two), "none"
    )
    ends = [f"ltail=cluster_{ids[line.one]}"] if line.one in whole else []
    ends += [f"lhead=cluster_{ids[line.two]}"] if line.two in whole else []
    ends += ['style=dashed, color="#c5221f"'] if line.dma else []
    return f"  {ids[line.one]} -> {ids[line.two]} [{', '.join([f'label={label}', f'dir={way}', *ends])}];"


def _quoted(*rows: str) -> str:
    escaped = (row.replace("\\", "\\\\").replace('"', '\\"') for row in rows)
    return '"' + "\\n".join(escaped) + '"'
