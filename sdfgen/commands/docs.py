"""`sdfgen docs`: the pages that messages name, wherever the program is installed."""

from __future__ import annotations

import os

from sdfgen.commands.telling import give_up
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import suggestion


def page_names() -> list[str]:
    """Return the names of all pages: `image` is `docs/image.md`."""
    return sorted(name.removesuffix(".md") for name in os.listdir(data_path("docs")) if name.endswith(".md"))


def page(name: str) -> str:
    """Return a page's text; leave with status 1 when there is none of that name.

    Args:
        name: Its name, or its path as messages write it: `docs/image.md#the-tool`.
    """
    wanted = os.path.basename(name.partition("#")[0]).removesuffix(".md")
    known = page_names()
    if wanted not in known:
        give_up(f"there is no page {name!r}{suggestion(wanted, known)}; `sdfgen docs` lists them")
    with open(data_path("docs", f"{wanted}.md"), encoding="utf-8") as file:
        return file.read()


def listing() -> str:
    """Return the names of all pages with their headings."""
    lines = []
    for name in page_names():
        heading = page(name).partition("\n")[0].lstrip("# ")
        lines.append(f"{name:<24} {heading}\n")
    return "".join(lines)
