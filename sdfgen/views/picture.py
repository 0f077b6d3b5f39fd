"""The whole picture of a system: boxes and lines, then memory maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.memory_picture import draw_maps
from sdfgen.views.svg import document, draw_graph

if TYPE_CHECKING:
    from sdfgen.views.document import SystemView
    from sdfgen.views.graph import Graph


def picture(view: SystemView, graph: Graph) -> str:
    """Return an SVG file.

    Args:
        view: The system.
        graph: Its boxes and lines.
    """
    drawn = draw_graph(graph)
    return document([drawn, draw_maps(view, drawn.width)], graph.title)
