"""A system as a Mermaid flowchart, which code hosts draw inside Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.graph import Box, Graph, Key, Line

_CLASSES = {
    "domain": "fill:#e8f0fe,stroke:#3367d6",
    "machine": "fill:#e6f4ea,stroke:#188038",
    "device": "fill:#fef7e0,stroke:#b06000",
    "dma": "fill:#fce8e6,stroke:#c5221f,stroke-width:3px",
    "region": "fill:#f3e8fd,stroke:#8430ce",
}
_PLAIN = frozenset(" ._,:()/+@")


def as_mermaid(graph: Graph) -> str:
    """Return a flowchart.

    Args:
        graph: Boxes and lines.
    """
    ids = {box.key: f"n{number}" for number, box in enumerate(box for outer in graph.boxes for box in outer.all())}
    config = ["config:", "  flowchart:", "    wrappingWidth: 600"]
    lines = ["---", f"title: {_yaml(graph.title)}", *config, "---", "flowchart LR"]
    for box in graph.boxes:
        lines += _box(box, ids, "  ")
    lines += [_line(line, ids) for line in graph.lines]
    lines += [f"  classDef {name} {style}" for name, style in _CLASSES.items()]
    return "\n".join(lines) + "\n"


def _box(box: Box, ids: dict[Key, str], indent: str) -> Iterator[str]:
    title, rows = f"<b>{_escaped(box.name)}</b>", "<br/>".join(map(_escaped, box.rows))
    name, style = ids[box.key], "dma" if box.dma else box.kind
    if not box.inside:
        yield f'{indent}{name}["{title}<br/>{rows}"]:::{style}'
        return
    yield f'{indent}subgraph {name}["{title}"]'
    yield f'{indent}  {name}_["{rows}"]:::{style}'
    for inner in box.inside:
        yield from _box(inner, ids, indent + "  ")
    yield f"{indent}end"
    yield f"{indent}style {name} {_CLASSES[style]}"


def _line(line: Line, ids: dict[Key, str]) -> str:
    line = line.turned() if line.to_one and not line.to_two else line  # there are no arrows to the left alone
    labels = (" · ".join(filter(None, label)) for label in line.labels)
    text = "<br/>".join(map(_escaped, labels))
    if line.dma:
        return f'  {ids[line.one]} -.->|"{text}"| {ids[line.two]}'
    left, right = "<" if line.to_one else "", ">" if line.to_two else "-"
    return f'  {ids[line.one]} {left}--{right}|"{text}"| {ids[line.two]}'


def _escaped(text: str) -> str:
    """Write what could mean something to Mermaid or Markdown by its number."""
    return "".join(
        c if (c.isalnum() and c.isascii()) or c in _PLAIN or not c.isascii() else f"#{ord(c)};" for c in text
    )


def _yaml(text: str) -> str:
    import json

    return json.dumps(text)
