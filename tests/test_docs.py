"""What docs/adding-a-subsystem.md shows is what is there: each excerpt stands in a file of the tool's or the tests'."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from tests.paths import ROOT, TESTS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "adding-a-subsystem.md"
BELL = ROOT / "tests" / "subsystems" / "bell"
MODULES = ("spec", "model", "resolve", "rules", "emit", "checks", "programs")
OTHERS = (ROOT / "tests" / "subsystems" / "test_made_up.py", ROOT / "sdfgen" / "subsystems" / "block" / "client.py")
EXCERPTS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])
URL: Final = re.compile(r"https?://[^\s)>\"'`]+")
TABLE: Final = tomllib.loads((TESTS / "links.toml").read_text(encoding="utf-8"))
LINKS: Final[dict[str, str]] = TABLE["links"]
NEEDED: Final[dict[str, list[str]]] = TABLE["needed"]


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
def test_no_table_has_code_with_a_bar(page: Path) -> None:
    """GitHub wants a backslash before it, and the site shows that."""
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert [row for row in rows if re.search(r"`[^`|]*\\\|[^`]*`", row.replace("` | `", ""))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def urls(page: Path) -> set[str]:
    return set(URL.findall(page.read_text(encoding="utf-8")))


def test_external_links_are_those_of_the_table() -> None:
    assert set().union(*map(urls, PAGES)) == set(LINKS.values())


@pytest.mark.parametrize("name", LINKS)
def test_an_external_link_is_right_as_far_as_it_shows(name: str) -> None:
    parts = urlsplit(LINKS[name])
    assert (parts.scheme, parts.query, parts.port) == ("https", "", None)
    assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]+", parts.netloc)
    assert re.fullmatch(r"(/[A-Za-z0-9_.-]+)*", parts.path)


@pytest.mark.parametrize("page", NEEDED)
def test_a_page_leads_to_what_it_speaks_of(page: str) -> None:
    found = urls(ROOT / page)
    assert [name for name in NEEDED[page] if LINKS[name] not in found] == []
