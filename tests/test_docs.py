"""What docs/adding-a-subsystem.md shows is what is there: each excerpt stands in a file of the tool's or the tests'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "adding-a-subsystem.md"
BELL = ROOT / "tests" / "subsystems" / "bell"
MODULES = ("spec", "model", "resolve", "rules", "emit", "checks", "programs")
OTHERS = (ROOT / "tests" / "subsystems" / "test_made_up.py", ROOT / "sdfgen" / "subsystems" / "block" / "client.py")
EXCERPTS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])


def holders(excerpt: str) -> set[Path]:
    """Return the files that an excerpt stands in."""
    return {path for path in (*BELL.glob("*.py"), *OTHERS) if excerpt in path.read_text(encoding="utf-8")}


@pytest.mark.parametrize("excerpt", EXCERPTS, ids=lambda excerpt: excerpt.strip().partition("\n")[0])
def test_an_excerpt_stands_in_the_code(excerpt: str) -> None:
    assert holders(excerpt)


def test_every_module_is_shown() -> None:
    shown = {path.stem for excerpt in EXCERPTS for path in holders(excerpt) if path.parent == BELL}
    assert shown == set(MODULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []
