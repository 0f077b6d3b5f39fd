"""Errors, warnings and notes: how they are told, and which ones follow from others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.facts import dialects
from sdfgen.facts.dialects import DIALECTS, SINCE
from sdfgen.faults.fault import Fault
from sdfgen.faults.findings import as_json
from sdfgen.faults.render import as_github, as_text
from sdfgen.faults.sarif import as_sarif
from sdfgen.faults.source import Source, Where
from sdfgen.read.program import Program, Symbol
from sdfgen.resolve.expressions import regions_in
from sdfgen.rules import program_images
from tests.paths import ROOT
from tests.rules.rule_inputs import channel, machine, pd, region

BOARD = "qemu_virt_aarch64"
PLACE = Where(Source("a.toml", "a = 1\n"), ("a",))
KINDS = {kind: Fault("SDF020", f"an {kind}", PLACE, severity=kind) for kind in ("error", "warning", "note")}


def write(folder: Path, text: str, version: str = "2.3.0") -> str:
    path = folder / "system.toml"
    path.write_text(f'[system]\nname = "demo"\nboards = ["{BOARD}"]\nmicrokit = "{version}"\n{text}', encoding="utf-8")
    return str(path)


def told(folder: Path, text: str, version: str = "2.3.0") -> list[str]:
    return [f"{fault.severity} {fault.code}" for fault in describe(write(folder, text, version)).faults.sorted()]


@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ("error", "1 error"),
        ("warning", "0 errors and 1 warning"),
        ("note", "0 errors and 1 note"),
        ("error note", "1 error and 1 note"),
        ("error warning note", "1 error, 1 warning and 1 note"),
        ("note note warning", "0 errors, 1 warning and 2 notes"),
    ],
)
def test_the_last_line_counts(kinds: str, count: str) -> None:
    assert as_text([KINDS[kind] for kind in kinds.split()]).splitlines()[-1] == count


def test_machines_hear_of_notes() -> None:
    note = [KINDS["note"]]
    assert as_text(note).startswith("a.toml:1:5: note[SDF020]: an note")
    assert json.loads(as_json(note))["faults"][0]["severity"] == "note"
    assert json.loads(as_sarif(note))["runs"][0]["results"][0]["level"] == "note"
    assert as_github(note).startswith("::notice file=a.toml")
    assert as_github([KINDS["warning"]]).startswith("::warning ")


def test_notes_leave_the_system_as_it_is(tmp_path: Path) -> None:
    described = describe(write(tmp_path, pd("a b")))
    assert [fault.severity for fault in described.faults] == ["note"]
    assert described.systems.keys() == {BOARD}


def test_versions_compare_as_numbers() -> None:
    later = DIALECTS["2.1.0"]._replace(version="2.10.0")
    assert later.at_least("2.1.0")
    assert later.at_least("2.9.9")
    assert later.at_least("2.10.0")
    assert not later.at_least("2.10.1")
    assert not DIALECTS["2.1.0"].at_least("2.10.0")
    assert SINCE["end.notify"] == "2.0.1"
    assert SINCE["domains"] == "2.3.0"


def test_no_version_is_compared_as_text() -> None:
    sources = (ROOT / "sdfgen").rglob("*.py")
    assert [path.name for path in sources if re.search(r"version\s*(<|>|<=|>=)\s*[A-Z\"']", path.read_text())] == []


TWICE = """
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[block]
driver = "storage"
storage = "/dev/vda"
[[guest]]
name = "c"
disk = [{ partition = 0 }]
[[guest]]
name = "c"
disk = [{ partition = 0, queue_capacity = 3 }]
[[irq]]
pd = "c_vmm"
irq = 90
id = 5
"""


@pytest.mark.parametrize("version", DIALECTS)
def test_two_clients_of_one_name_are_told_and_nothing_else(tmp_path: Path, version: str) -> None:
    assert [one for one in told(tmp_path, TWICE, version) if "SDF096" not in one] == ["error SDF024"]


def test_two_domains_of_one_name_are_told_and_nothing_else(tmp_path: Path) -> None:
    more = "irq = [{ irq = 90, id = 1 }]"
    other = "[[channel]]\nends = [{ pd = 'c', id = 1 }, { pd = 'd', id = 1 }]\n"
    assert told(tmp_path, pd("c", more) + pd("c", more + "\nbudget = 5") + pd("d") + other) == ["error SDF024"]


def test_the_first_of_two_keeps_its_own_faults(tmp_path: Path) -> None:
    text = pd("c", "budget = 5") + pd("c", "priority = 300")
    assert told(tmp_path, text) == ["error SDF033", "error SDF024"]


def test_what_stands_on_a_wrong_value_is_left_out(tmp_path: Path) -> None:
    maps = 'map = [{ mr = "ram", vaddr = 0x200_0800 }, { mr = "ram", vaddr = 0x200_0000 }]'
    assert told(tmp_path, pd("c", maps) + region()) == ["error SDF048"]


def test_what_stands_beside_a_wrong_value_is_told(tmp_path: Path) -> None:
    maps = 'map = [{ mr = "ram", vaddr = 0x200_0000, perms = "wx" }, { mr = "ram", vaddr = 0x200_0000 }]'
    assert told(tmp_path, pd("c", maps) + region()) == ["error SDF047", "error SDF050"]


def test_a_warning_hides_nothing(tmp_path: Path) -> None:
    maps = 'map = [{ mr = "ram", vaddr = 0x200_0000, perms = "x" }, { mr = "ram", vaddr = 0x200_0000 }]'
    assert told(tmp_path, pd("c", maps) + region()) == ["warning SDF047", "error SDF050"]


def test_a_name_that_may_stand_twice_hides_nothing(tmp_path: Path) -> None:
    maps = 'map = [{ mr = "ram", vaddr = 0 }, { mr = "ram", vaddr = 0 }]'
    text = machine(more=f"vcpu = [{{ id = 0 }}]\n{maps}") + machine(more=f"vcpu = [{{ id = 0 }}]\n{maps}", vmm="b")
    assert sorted(told(tmp_path, text + region(), "2.0.1")) == ["error SDF050"] * 2 + ["warning SDF024"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("size('ram')", []),
        ("1 + phys_addr('ram')", []),
        ("size('ram2')", ["warning SDF045"]),
        ("5", ["warning SDF045"]),
    ],
)
def test_an_expression_uses_the_regions_that_it_names(tmp_path: Path, value: str, expected: list[str]) -> None:
    mapped = 'map = [{ mr = "ram2", vaddr = 0x200_0000 }]'
    text = pd("p", mapped) + region() + region("ram2")
    text += f'[[patch]]\nelf = "p.elf"\nsymbol = "x"\nvalue = "{value}"\n'
    assert told(tmp_path, text) == expected


@pytest.mark.parametrize("text", ["", "(", "size(", "size()", "size(5)", "channel('ram', 'b')", "\0", "ram"])
def test_what_is_no_expression_names_no_region(text: str) -> None:
    assert regions_in(text) == set()


def test_ids_of_domains_are_written(tmp_path: Path) -> None:
    slices = ", ".join(f'{{ domain = "{name}", duration = "1 us" }}' for name in "abc")
    text = f'[domains]\nnames = ["a", "b", "c"]\nid = [3, -1, 0]\nschedule = [{slices}]\n' + pd("p", 'domain = "a"')
    made = system_file(describe(write(tmp_path, text)).systems[BOARD])
    assert '<domain name="a" id="3" />' in made
    assert '<domain name="b" />' in made
    assert '<domain name="c" id="0" />' in made


def test_1_4_1_marks_all_who_may_be_called(tmp_path: Path) -> None:
    both = system_file(describe(write(tmp_path, channel("pp = true", "pp = true"), "1.4.1")).systems[BOARD])
    one = system_file(describe(write(tmp_path, channel("pp = true", "id = 0"), "1.4.1")).systems[BOARD])
    assert re.findall(r'name="(\w)"[^>]*pp="true"', both) == ["a", "b"]
    assert re.findall(r'name="(\w)"[^>]*pp="true"', one) == ["b"]


def test_a_program_image_tells_whether_a_map_is_in_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = pd("p", 'map = [{ mr = "ram", vaddr = 0x40_0000 }]') + region()
    assert told(tmp_path, text) == ["note SDF051"]
    (tmp_path / "p.elf").write_bytes(b"no ELF")
    assert told(tmp_path, text) == ["error SDF102"]
    for end, expected in ((0x40_0000, []), (0x40_1000, ["error SDF102"])):
        library = dict.fromkeys(DIALECTS["2.3.0"].library_symbols, Symbol(0x20_0000, 64))
        image = Program(((0x20_0000, end - 0x20_0000),), library)
        monkeypatch.setattr(program_images, "read_program", lambda _, image=image: image)
        assert told(tmp_path, text) == expected


# A segment, the version, and where maps of a page begin that are refused: seen of each tool.
SEGMENTS = [
    (0x40_0000, 0x800, "2.0.1", [0x40_0000]),
    (0x40_0000, 0x800, "2.1.0", [0x3F_F000, 0x40_0000, 0x40_1000]),
    (0x40_0000, 0x800, "2.2.0", [0x40_0000]),
    (0x40_0000, 0x1000, "2.1.0", [0x3F_F000, 0x40_0000, 0x40_1000]),
    (0x40_0800, 0x80, "2.0.1", [0x40_0000]),
    (0x40_0800, 0x80, "2.1.0", [0x40_0000, 0x40_1000]),
    (0x40_0800, 0x80, "2.2.0", [0x40_0000, 0x40_1000]),
    (0x40_0800, 0x80, "2.3.0", [0x40_0000, 0x40_1000]),
]


@pytest.mark.parametrize(("start", "size", "version", "expected"), SEGMENTS)
def test_each_tool_keeps_its_own_distance_to_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: int, size: int, version: str, expected: list[int]
) -> None:
    library = dict.fromkeys(DIALECTS[version].library_symbols, Symbol(0x20_0000, 64))
    monkeypatch.setattr(program_images, "read_program", lambda _: Program(((start, size),), library))
    (tmp_path / "p.elf").write_bytes(b"")
    refused = []
    for vaddr in range(0x3F_E000, 0x40_4000, 0x1000):
        text = pd("p", f'map = [{{ mr = "ram", vaddr = {vaddr:#x} }}]') + region()
        refused += [vaddr] if told(tmp_path, text, version) == ["error SDF102"] else []
    assert refused == expected


NAMES = pd("serial.driver", 'map = [{ mr = "pl011@9000000/regs", vaddr = 0x200_0000, cached = false, perms = "wr" }]')


@pytest.mark.parametrize("version", DIALECTS)
def test_names_as_others_write_them_are_good(tmp_path: Path, version: str) -> None:
    text = NAMES + region("pl011@9000000/regs", "size = 0x1000\nphys_addr = 0x900_0000")
    assert told(tmp_path, text, version) == []


def test_each_fact_of_a_version_is_read() -> None:
    sources = [path for path in (ROOT / "sdfgen").rglob("*.py") if path.name != "dialects.py"]
    text = "".join(path.read_text() for path in sources)
    facts = re.findall(r"^([A-Z][A-Z_]+)\b.* = ", Path(dialects.__file__).read_text(), re.MULTILINE)
    assert facts
    assert [name for name in dialects.Dialect._fields if f".{name}" not in text] == []
    assert [name for name in facts if not re.search(rf"\b{name}\b", text)] == []
    checks = {check for dialect in DIALECTS.values() for check in dialect.checks}
    assert [check for check in checks if f'"{check}"' not in text] == []
