"""What is shown of a system is what its system file says, in every format."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from lxml import etree

from sdfgen.commands.cli import cli
from sdfgen.commands.reference import schema_of_view
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.views.dot import as_dot
from sdfgen.views.graph import graph
from sdfgen.views.html import as_html
from sdfgen.views.json_form import as_json
from sdfgen.views.mermaid import as_mermaid
from sdfgen.views.picture import picture
from sdfgen.views.survey import survey
from sdfgen.views.text import as_text
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS
from tests.shapes import MANY, QEMU, SHAPES, resolved, tree
from tests.views.views import SYSTEM_FILES, breaks, system_at, view_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

FORMS = {
    "txt": as_text,
    "mmd": lambda view: as_mermaid(graph(view)),
    "dot": lambda view: as_dot(graph(view)),
    "svg": lambda view: picture(view, graph(view)),
    "json": as_json,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", [EXAMPLE, SYSTEMS / "raw.toml"], ids=lambda path: path.parent.name + "-" + path.stem)
def test_golden(path: Path, form: str, golden: Golden) -> None:
    name = "two-clients" if path == EXAMPLE else path.stem
    golden.check(GOLDENS / "views" / f"{name}.{form}", FORMS[form](view_at(path)))


Said = set[tuple[Any, ...]]


def said_by(text: str) -> Said:
    """What a system file says, as its elements and attributes stand."""
    root = etree.fromstring(text.encode())
    said: Said = {
        ("region", r.get("name"), *numbers(r, "size", "phys_addr", "page_size")) for r in root.iter("memory_region")
    }
    for owner in root.iter("protection_domain", "virtual_machine"):
        said |= said_of(owner)
    for channel in root.iter("channel"):
        said.add(("channel", *(_end(end) for end in channel)))
    return said


def numbers(element: etree._Element, *names: str) -> list[int | None]:
    return [None if element.get(name) is None else int(element.get(name), 0) for name in names]


def _end(end: etree._Element) -> tuple[Any, ...]:
    return end.get("pd"), *numbers(end, "id"), end.get("pp") == "true", end.get("notify") != "false"


def said_of(owner: etree._Element) -> Said:
    name = owner.get("name")
    priority, *times = numbers(owner, "priority", "budget", "period")
    said: Said = {(owner.tag, name, priority or 0, *times)}
    for m in owner.findall("map"):
        rights, cached = "".join(sorted(m.get("perms", "rw"))), m.get("cached", "true") == "true"
        said.add(("map", name, m.get("mr"), *numbers(m, "vaddr"), rights, cached, m.get("setvar_vaddr")))
    said |= {("irq", name, *numbers(irq, "irq", "id"), irq.get("trigger")) for irq in owner.findall("irq")}
    said |= {("setvar", name, s.get("symbol"), s.get("region_paddr")) for s in owner.findall("setvar")}
    caps = owner.findall("cspace/*")
    return said | {("cap", name, c.tag.removeprefix("cap_"), *numbers(c, "slot"), c.get("pd")) for c in caps}


def shown_in(document: dict[str, Any]) -> Said:
    """The same of the JSON form."""
    keys = ("name", "size_bytes", "phys_addr", "page_size_bytes")
    shown: Said = {("region", *(region[key] for key in keys)) for region in document["regions"]}
    for domain in document["domains"]:
        shown |= shown_of("protection_domain", domain)
        shown |= shown_of("virtual_machine", domain["machine"]) if domain["machine"] else set()
    for channel in document["channels"]:
        ends = ((e["domain"], e["id"], e["calls"], e["notifies"]) for e in channel["ends"])
        shown.add(("channel", *ends))
    return shown


def shown_of(kind: str, owner: dict[str, Any]) -> Said:
    name = owner["name"]
    shown: Said = {(kind, name, owner["priority"], owner["budget_us"], owner["period_us"])}
    for m in owner["maps"]:
        rights = "".join(sorted(m["rights"]))
        shown.add(("map", name, m["region"], m["address"], rights, m["cached"], m["setvar_vaddr"]))
    shown |= {("irq", name, one["irq"], one["id"], one["trigger"]) for one in owner.get("interrupts", ())}
    shown |= {("setvar", name, one["symbol"], one["region"]) for one in owner.get("setvars", ())}
    return shown | {("cap", name, c["kind"], c["slot"], c["domain"]) for c in owner.get("capabilities", ())}


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_json_says_what_the_system_file_says(path: Path) -> None:
    system, view = system_at(path), view_at(path)
    document = json.loads(as_json(view))
    assert shown_in(document) == said_by(system_file(system))
    schema = json.loads(schema_of_view("show"))
    assert breaks(schema, document, schema["$defs"]) == []


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_memory_is_told_once(path: Path) -> None:
    view = view_at(path)
    assert list(view.memory) == sorted(view.memory)
    assert all(one.end <= two.start for one, two in zip(view.memory, view.memory[1:], strict=False))
    regions = {(one.name, one.start) for one in view.memory if one.kind in {"region", "device"}}
    assert regions == {(region.name, region.phys_addr) for region in view.regions if region.phys_addr is not None}


def boxes_of(svg: str) -> list[tuple[str, float, float, float, float]]:
    """Name, left, top, right, bottom of every box of the graph that stands in no other."""
    root = etree.fromstring(svg.encode())
    drawn = root.findall(f"{SVG}g")[0]
    found = []
    for box in drawn.findall(f"{SVG}g"):
        if box.get("class", "").startswith("box"):
            x, y = map(float, re.findall(r"[-\d.]+", box.get("transform", "")))
            rect = box.find(f"{SVG}rect")
            assert rect is not None
            found.append(
                (box.get("data-name", ""), x, y, x + float(rect.get("width", "")), y + float(rect.get("height", "")))
            )
    return found


def overlap(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_nothing_of_a_picture_lies_over_another(path: Path) -> None:
    view = view_at(path)
    svg = picture(view, graph(view))
    boxes = boxes_of(svg)
    labels = [
        tuple(map(float, found))
        for found in re.findall(r'/><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>', svg)
    ]
    areas = [box[1:] for box in boxes] + [(x, y, x + width, y + height) for x, y, width, height in labels]
    assert len(labels) == sum(1 for line in graph(view).lines)
    assert not [(one, two) for index, one in enumerate(areas) for two in areas[index + 1 :] if overlap(one, two)]


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_every_domain_machine_and_shared_region_is_drawn(path: Path) -> None:
    view = view_at(path)
    drawn = graph(view)
    boxes = {box.name for outer in drawn.boxes for box in outer.all()}
    text = str(drawn)
    assert {name for name, _ in view.spaces()} <= boxes
    assert all(region.name in text for region in view.regions if region.seen_by)
    for form in ("mmd", "dot", "svg"):
        assert all(name in FORMS[form](view) for name, _ in view.spaces())


@pytest.mark.parametrize("shape", ["mixed", "three_disks", "native_of_two_disks"])
def test_shapes(shape: str, tmp_path: Path) -> None:
    view = survey(resolved(tmp_path, tree(QEMU, SHAPES[shape])))
    etree.fromstring(picture(view, graph(view)).encode())
    assert as_text(view)


def test_sixty_clients_are_drawn_in_seconds(tmp_path: Path) -> None:
    view = survey(resolved(tmp_path, tree(QEMU, MANY["sixty_native"], "2.3.0")))
    began = monotonic()
    picture(view, graph(view))
    assert monotonic() - began < 60


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_graphviz_draws_every_box_and_line(path: Path) -> None:
    if shutil.which("dot") is None:
        pytest.skip("no dot (Debian: graphviz) to draw the graph with")
    drawn = graph(view_at(path))
    said = subprocess.run(["dot", "-Tsvg"], input=as_dot(drawn).encode(), capture_output=True, timeout=120, check=True)
    root = etree.fromstring(said.stdout)
    assert said.stderr == b""
    kinds = [group.get("class") for group in root.iter(f"{SVG}g")]
    assert kinds.count("edge") == len(drawn.lines)
    assert kinds.count("node") == len([box for outer in drawn.boxes for box in outer.all()])


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    view = view_at(EXAMPLE)
    path = tmp_path_factory.mktemp("page") / "system.html"
    path.write_text(as_html(view, "two-clients", picture(view, graph(view))), encoding="utf-8")
    return path


def in_browser(page: Path, address: str = "", script: str = "") -> str:
    """The page as a browser has it after its scripts ran, and one of the test's."""
    if BROWSER is None:
        pytest.skip("no chromium (Debian: chromium) to open the page in")
    copy = page.parent / "copy.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", f"<script>{script}</script></body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    said = subprocess.run(
        [BROWSER, *flags, profile, f"file://{copy}{address}"], capture_output=True, timeout=120, check=True
    )
    return said.stdout.decode()


def hits(dom: str, kind: str) -> set[str]:
    """Names of what is highlighted."""
    return {
        name
        for classes, name in re.findall(r'class="([^"]*)"[^>]*? data-(?:name|one)="([^"]*)"', dom)
        if {kind, "hit"} <= set(classes.split())
    }


def test_a_page_loads_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    elsewhere = set(re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s)>]+)""", text))
    assert elsewhere <= {"#to", "#to)"}
    assert json.loads(re.search(r'id="system">(.*?)</script>', text, re.DOTALL)[1])["system"] == "two-clients"  # type: ignore[index]


def test_nothing_is_searched_at_first(page: Path) -> None:
    dom = in_browser(page)
    assert 'class="searching"' not in dom
    assert hits(dom, "box") == set()


def test_a_name_is_found_in_picture_and_tables(page: Path) -> None:
    dom = in_browser(page, "#q=block_client1_0_data")
    assert "searching" in dom
    assert hits(dom, "box") == {"block_client1_0_data"}
    assert hits(dom, "line") == {"block_client1_0_data", "virtio_mmio31"}
    assert hits(dom, "entry") >= {"block_client1_0_data", "io_base_client1_0_data", "virtio_mmio31"}


def test_an_address_is_found_in_what_holds_it(page: Path) -> None:
    dom = in_browser(page, "#q=0x4830_0000")
    assert hits(dom, "range") == hits(dom, "entry") == {"block_client1_0_data"}


def test_a_click_searches_and_a_second_one_ends_it(page: Path) -> None:
    click = (
        "document.querySelector('.box[data-name=guest_timer] text')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}));"
    )
    dom = in_browser(page, script=click)
    assert hits(dom, "box") == {"guest_timer"}
    assert 'class="searching"' not in in_browser(page, script=click * 2)


def test_typing_searches(page: Path) -> None:
    typed = (
        "const s = document.getElementById('search'); s.value = 'INTERRUPT 79'; s.dispatchEvent(new Event('input'));"
    )
    dom = in_browser(page, script=typed)
    assert hits(dom, "line") == {"virtio_mmio31"}
    assert re.search(r"<output[^>]*>(\d+) found", dom)


def test_a_strange_address_is_words(page: Path) -> None:
    assert "%E0%A4%A" in in_browser(page, "#q=%E0%A4%A", "document.title = document.getElementById('search').value;")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nothing.toml"], 1, "SDF001"),
        ([str(EXAMPLE), "--board", "nothing"], 1, "SDF010"),
        ([str(EXAMPLE), "--format", "png"], 2, "'png' is not one of"),
        ([str(EXAMPLE), "--set", "guest.nobody.ram=1"], 1, "SDF019"),
        ([str(EXAMPLE), "-o", "/nonexistent/x.svg"], 1, "/nonexistent/x.svg: No such file or directory"),
        ([str(EXAMPLE), "-o", "a\0b"], 1, "null"),
        ([], 1, "'system.toml' cannot be read"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], status: int, said: str) -> None:
    result = CliRunner().invoke(cli, ["show", *arguments])
    assert result.exit_code == status, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_other_boards_are_said(tmp_path: Path) -> None:
    out = tmp_path / "x.txt"
    result = CliRunner().invoke(cli, ["show", str(EXAMPLE), "-o", str(out)])
    assert result.exit_code == 0
    assert result.stderr == "sdfgen: for qemu_virt_aarch64; --board chooses odroidc4\n"
    assert out.read_text().startswith("two-clients for qemu_virt_aarch64, Microkit 2.3.0 (debug):")
    result = CliRunner().invoke(cli, ["show", str(EXAMPLE), "--board", "odroidc4"])
    assert (result.stderr, result.stdout[:29]) == ("", "two-clients for odroidc4, Mic")
