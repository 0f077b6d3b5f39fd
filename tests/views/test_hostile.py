"""Views of whatever may be built, however odd: no traceback, nothing that is not escaped."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from sdfgen.describe import describe
from sdfgen.facts.board import Board
from sdfgen.facts.board_tables import BoardFile
from sdfgen.faults.fault import Faults
from sdfgen.faults.source import Source, Where
from sdfgen.read.toml import Node
from sdfgen.subsystems import register
from sdfgen.views.diff import board_diff
from sdfgen.views.dot import as_dot
from sdfgen.views.graph import graph
from sdfgen.views.html import as_html
from sdfgen.views.json_form import as_json
from sdfgen.views.mermaid import as_mermaid
from sdfgen.views.picture import picture
from sdfgen.views.survey import survey
from sdfgen.views.text import as_text
from sdfgen.views.why import why
from sdfgen.views.why_names import names
from sdfgen.views.why_text import as_text as why_text
from tests.paths import EXAMPLE, FAULTS, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.views.document import SystemView

NAME = """</script><b>'&%js%`|"""
ODD = f"""\
[system]
name = "odd"
boards = ["qemu_virt_aarch64"]
[[memory_region]]
name = \"\"\"{NAME}\"\"\"
size = "4 KiB"
[[protection_domain]]
name = "p"
program_image = \"\"\"{NAME}.elf\"\"\"
priority = 1
map = [{{ mr = \"\"\"{NAME}\"\"\", vaddr = 0x2000_0000, setvar_vaddr = "v" }}]
[[protection_domain]]
name = "q"
program_image = "q.elf"
map = [{{ mr = \"\"\"{NAME}\"\"\", vaddr = 0x2000_0000 }}]
[[patch]]
elf = "q.elf"
symbol = "s"
text = "</script><script>alert(1)</script>]]>"
"""


def everything(view: SystemView) -> str:
    """Make all there is of a system; return its page."""
    boxes = graph(view)
    svg = picture(view, boxes)
    etree.fromstring(svg.encode())
    assert all((as_text(view), as_mermaid(boxes), as_dot(boxes)))
    json.loads(as_json(view))
    assert all(why_text(why(view, name)) for name in {*names(view)})
    assert board_diff(view, view)[1:] == ((), (), (), (), ())
    return as_html(view, boxes.title, svg)


@pytest.mark.parametrize("folder", sorted(FAULTS.iterdir()), ids=lambda path: path.name)
def test_what_has_warnings_only_is_shown(folder: Path) -> None:
    for path in sorted(folder.glob("*.toml")):
        for system in describe(str(path)).systems.values():
            everything(survey(system))


class Reader(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - of the base
        self.tags.append(tag)


def test_nothing_of_a_description_is_markup(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(ODD)
    description = describe(str(path))
    assert not description.faults.errors, [fault.message for fault in description.faults]
    page = everything(survey(description.systems["qemu_virt_aarch64"]))
    reader = Reader()
    reader.feed(page)
    assert not {"b", "img"} & set(reader.tags)
    assert reader.tags.count("script") == 2
    said = json.loads(re.search(r'id="system">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert said["patches"][0]["value"] == "</script><script>alert(1)</script>]]>"
    dot = as_dot(graph(survey(description.systems["qemu_virt_aarch64"])))
    assert dot.count('"') % 2 == 0


def test_a_board_of_which_nothing_is_known() -> None:
    where = Where(Source("no board file", ""))
    table = {"summary": "none", "physical_address_bits": 48, "cores": 64}
    node = Node({"board": Node({key: Node(value, where) for key, value in table.items()}, where)}, where)
    board = Board("", "", BoardFile.with_keys(register.board_keys()).read(node, Faults()), {})
    system = describe(str(SYSTEMS / "raw.toml")).systems["qemu_virt_aarch64"]._replace(board=board)
    view = survey(system)
    assert "raw, Microkit 2.3.0" in everything(view)
    assert {one.kind for one in view.memory} == {"region"}


def test_every_system_of_the_tests_is_shown() -> None:
    for path in SYSTEMS.glob("*.toml"):
        for system in describe(str(path)).systems.values():
            everything(survey(system))


UNKNOWN = """\
[system]
name = "unknown"
boards = ["qemu_virt_aarch64"]
[[memory_region]]
name = "mystery"
size = "4 KiB"
phys_addr = 0xfe0_0000
[[protection_domain]]
name = "p"
program_image = "p.elf"
map = [{ mr = "mystery", vaddr = 0x2000_0000 }]
"""


def test_a_device_that_the_board_file_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "unknown.toml"
    path.write_text(UNKNOWN)
    view = survey(describe(str(path)).systems["qemu_virt_aarch64"])
    said = "not in the board file: whether it does DMA is not known"
    assert f"  mystery: 0xfe00000..0xfe01000, reached by p\n    {said}\n" in as_text(view)
    assert said in everything(view)
    assert said in why(view, "mystery").answers[0].more
    (box,) = [box for box in graph(view).boxes if box.kind == "device"]
    assert (box.name, box.dma) == ("mystery", False)


@pytest.mark.parametrize("command", [["show"], ["why", "79"], ["diff", str(EXAMPLE)]], ids=lambda command: command[0])
def test_an_output_that_takes_not_all_is_told(command: list[str]) -> None:
    words = [sys.executable, "-m", "sdfgen", *command, str(EXAMPLE)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(b"sdfgen: standard output: No space left on device\n")


def test_an_encoding_without_arrows() -> None:
    words = [sys.executable, "-m", "sdfgen", "diff", str(EXAMPLE), str(EXAMPLE), "--format", "markdown"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, env=environment, capture_output=True, timeout=60, check=True)
    assert b"\\u2192" in done.stdout


def test_nobody_reads_on() -> None:
    words = f"{sys.executable} -m sdfgen show {EXAMPLE} --format svg 2>/dev/null | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] in {b"0", b"1"}
    assert b"Traceback" not in done.stderr
