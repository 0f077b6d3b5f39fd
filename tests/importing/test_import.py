"""The law: a description that was imported makes the system that was read. And what a person finds in it."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tomllib
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.commands import dispatch, import_
from sdfgen.commands.cli import cli
from sdfgen.commands.options import parse
from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.render import FORMATS, as_text
from sdfgen.importing.convert import import_system
from sdfgen.importing.meaning import differences
from tests.existing.test_examine import SEEDS, mutated, pd, system
from tests.existing.test_laws import BOARDS, DESCRIBED
from tests.importing.canonical import canonical
from tests.importing.made_up import Maker
from tests.paths import GOLDENS
from tests.shapes import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.importing.convert import Imported
    from tests.conftest import Golden

FILES = Path(__file__).parent / "files"
QEMU = BOARDS[0]
COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 10
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))


def imported(text: str, folder: Path, **options: Any) -> Imported:  # noqa: ANN401 - those of Request
    path = folder / "x.system"
    path.write_text(text, encoding="utf-8")
    return import_system(Request(str(path), **options), str(folder))


def description(text: str, folder: Path, **options: Any) -> str:  # noqa: ANN401 - those of Request
    found = imported(text, folder, **options)
    assert found.text is not None, as_text(found.faults.sorted())
    return found.text


def built(text: str, folder: Path, board: str = QEMU) -> str:
    """The system file that a description makes."""
    (folder / "x.toml").write_text(text, encoding="utf-8")
    described = describe(str(folder / "x.toml"), (), (board,))
    assert not described.faults.errors, as_text(described.faults.sorted())
    return system_file(described.systems[board])


@pytest.mark.parametrize("path", sorted((GOLDENS / "sdf").glob("*.system")), ids=lambda path: path.stem)
def test_what_was_emitted_once_is_made_again(path: Path, tmp_path: Path) -> None:
    board = next((board for board in BOARDS if board in path.stem), QEMU)
    version = next((version for version in DIALECTS if version in path.stem), None)
    text = path.read_text(encoding="utf-8")
    for region in ET.fromstring(text.encode()).iter("memory_region"):  # noqa: S314 - ours
        if "prefill_path" in region.attrib:
            (tmp_path / region.attrib["prefill_path"]).write_bytes(bytes(int(region.attrib["size"], 0)))
    again = built(description(text, tmp_path, board=board, microkit=version), tmp_path, board)
    assert canonical(again.encode()) == canonical(text.encode())


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("path", DESCRIBED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_a_description_makes_can_be_imported(path: Path, board: str, tmp_path: Path) -> None:
    made = describe(str(path)).systems.get(board)
    if made is None:
        pytest.skip("not for this board")
    text = system_file(made)
    options = {"board": board, "microkit": made.dialect.version, "config": made.config}
    for name in {region.prefill_path for region in made.regions if region.prefill_path}:
        (tmp_path / name).write_bytes((path.parent / name).read_bytes())
    again = built(description(text, tmp_path, **options), tmp_path, board)
    assert canonical(again.encode()) == canonical(text.encode())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_system_is_made_again(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("law")
    maker = Maker(Random(seed))  # noqa: S311 - repeatable, not secret
    text = maker.text()
    found = description(text, folder, microkit=maker.version)
    assert canonical(built(found, folder).encode()) == canonical(text.encode())
    said = re.findall(r"\bc\d+c\b", found)
    assert sorted(said) == sorted(maker.comments)


def test_a_person_would_keep_it(golden: Golden, tmp_path: Path) -> None:
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    found = description(text, tmp_path, board=QEMU)
    golden.check(FILES / "kept.toml", found)
    assert canonical(built(found, tmp_path).encode()) == canonical(text.encode())


def parts(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any part of a system
    """Yield each field of each part of a system, with what holds it."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((name, value) for name in value._fields)
    for item in value if isinstance(value, tuple) else ():
        yield from parts(item)


def put(value: Any, old: Any, new: Any) -> Any:  # noqa: ANN401 - any part of a system
    """Return a system in which one part is another."""
    if value is old:
        return new
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(put(item, old, new) for item in value))
    return tuple(put(item, old, new) for item in value) if isinstance(value, tuple) else value


# Not of Microkit, or said by another field.
UNSAID = {"origin", "why", "key", "core_why", "trusted", "prefill_made"}
OTHER = {int: 77, str: "other", bool: None, type(None): 78}


def test_every_difference_is_seen(tmp_path: Path) -> None:
    """Each value of each part is changed in turn, and the comparison has to tell."""
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    path = tmp_path / "x.system"
    path.write_text(text, encoding="utf-8")
    one = examine(Request(str(path), QEMU)).system
    assert one is not None
    assert not list(differences(one, one))
    unseen = []
    seen = 0
    for whole in ("pds", "regions", "channels", "domains"):
        for name, part in parts(getattr(one, whole)):
            value = getattr(part, name)
            if name in UNSAID or isinstance(value, tuple) or (name, value) == ("vm", None):
                continue
            new = part._replace(**{name: not value if isinstance(value, bool) else OTHER[type(value)]})
            other = one._replace(**{whole: put(getattr(one, whole), part, new)})
            seen += 1
            if not list(differences(one, other)):
                unseen.append((type(part).__name__, name))
    assert (unseen, seen > 100) == ([], True)


def test_what_is_missing_or_too_much_is_told(tmp_path: Path) -> None:
    region = '<memory_region name="{}" size="0x1000" />'
    (tmp_path / "x.system").write_text(system(region.format("a") + region.format("b") + pd()))
    one = examine(Request(str(tmp_path / "x.system"))).system
    assert one is not None
    less = one._replace(regions=one.regions[:1])
    assert [fault.message for fault in differences(one, less)] == ["memory region `b` would be missing"]
    assert [fault.message for fault in differences(less, one)] == ["there would be memory region `b` too"]
    (fault,) = differences(one, one._replace(regions=(one.regions[0]._replace(size_bytes=1), one.regions[1])))
    assert fault.message == "memory region `a` would differ: `size` is 4096 and would be 1"
    assert fault.place[:2] == (1, 39)


def test_order_means_nothing_but_where_microkit_counts(tmp_path: Path) -> None:
    text = (FILES / "kept.system").read_text(encoding="utf-8")
    (tmp_path / "x.system").write_text(text, encoding="utf-8")
    one = examine(Request(str(tmp_path / "x.system"), QEMU)).system
    assert one is not None
    assert one.domains is not None
    turned = one._replace(pds=one.pds[::-1], regions=one.regions[::-1], channels=one.channels[::-1])
    assert not list(differences(one, turned))
    schedule = one.domains._replace(schedule=one.domains.schedule[::-1])
    assert len(list(differences(one, one._replace(domains=schedule)))) == 2


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0x1000", "0x1000"),
        ("0x1_000", "0x1_000"),
        ("0xABCDe000", "0xABCDe000"),
        ("4096", "4096"),
        ("4_096", "4_096"),
        ("+4096", "+4096"),
        ("0x_1000", "0x1000"),
        ("0x1000_", "0x1000"),
        ("04096", "4096"),
        ("4__096", "4096"),
        ("0x+1000", "0x1000"),
        ("0x1fffffffff000", "0x1fffffffff000"),
    ],
)
def test_numbers_are_as_they_were(written: str, kept: str, tmp_path: Path) -> None:
    text = system(f'<memory_region name="m" size="{written}" />' + pd())
    assert f"\nsize = {kept}\n" in description(text, tmp_path)


def test_comments_of_included_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "more.xml").write_text("<!-- its own --><memory_region name='m' size='0x1000' />")
    include = '<!-- why --><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="more.xml" />'
    found = description(system(include + pd()), tmp_path)
    assert "# why\n# its own\n[[memory_region]]" in found


def test_what_no_channel_leads_to_is_kept(tmp_path: Path) -> None:
    """Microkit 1.4.1 marks who can be called: it is said of the callers, unless there are none."""
    ends = '<channel><end pd="a" id="0" /><end pd="b" id="0" /></channel>'
    called = "".join(pd(f'{n}" pp="true" priority="{n}"').replace("pd1", "a").replace("pd2", "b") for n in (1, 2))
    alone = description(system(called), tmp_path)
    assert alone.count("pp = true") == 2
    assert canonical(built(alone, tmp_path).encode()) == canonical(system(called))
    one = system(called.replace(' pp="true"', "", 1) + ends)
    found = description(one, tmp_path)
    assert 'ends = [{ pd = "a", id = 0, pp = true }, { pd = "b", id = 0 }]' in found
    assert found.count("pp = true") == 1
    assert canonical(built(found, tmp_path).encode()) == canonical(one)


def test_what_a_description_cannot_say(tmp_path: Path) -> None:
    for attribute, said in (("a&#9;b", "'a\\tb' has control characters"), ("", "'' is not a non-empty string")):
        text = system("\n" + pd('" priority="1"', f'<setvar symbol="{attribute}" region_paddr="m" />'))
        text = text.replace("<system>", '<system><memory_region name="m" size="0x1000" />')
        found = imported(text, tmp_path)
        assert found.text is None
        (fault,) = found.faults
        assert (fault.code, fault.message) == ("SDF220", f"a description cannot say this: {said}")
        assert fault.place[:2] == (2, text.split("\n")[1].index(f'"{attribute}" region') + 2)


def test_other_architectures_are_told_once(tmp_path: Path) -> None:
    port = '<ioport id="1" addr="0x10" size="8" />'
    found = imported(system(pd('"', port * 2) + "<foo />"), tmp_path)
    (fault,) = found.faults
    assert (fault.code, fault.message) == ("SDF009", "<ioport> is for x86, and descriptions are of AArch64 systems")
    found = imported(system(pd()), tmp_path, board="qemu_virt_riscv64")
    (fault,) = found.faults
    assert fault.message == "board `qemu_virt_riscv64` is riscv64, and descriptions are of AArch64 systems"


def test_what_check_refuses_is_not_imported(tmp_path: Path) -> None:
    found = imported(system(pd('" priority="255"')), tmp_path)
    assert (found.text, [fault.code for fault in found.faults]) == (None, ["SDF032"])


def test_what_microkit_does_not_look_at_is_left_out_and_told(tmp_path: Path) -> None:
    found = imported(system(pd('"', "words<setvar symbol='s' region_paddr='m'><x /></setvar>")), tmp_path)
    assert {fault.code for fault in found.faults} == {"SDF046", "SDF204", "SDF004"}
    text = system('<memory_region name="m" size="0x1000"><x /></memory_region>' + pd())
    found = imported(text, tmp_path)
    assert found.text is not None
    assert [(fault.code, fault.severity) for fault in found.faults] == [("SDF004", "note")]


def test_a_file_to_fill_in_that_is_nowhere_is_said(tmp_path: Path) -> None:
    text = system('<memory_region name="m" size="0x1000" prefill_path="m.bin" />' + pd())
    found = imported(text, tmp_path)
    assert found.text is not None
    assert found.said[-1] == "`m.bin` must lie beside the description"


def test_a_file_that_is_elsewhere_is_told(tmp_path: Path) -> None:
    """Its length decides the region's, and the description is to be where it is not."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "m.bin").write_bytes(b"x")
    text = system('<memory_region name="m" prefill_path="m.bin" />' + pd())
    found = imported(text, tmp_path, search=(str(folder),))
    assert found.text is None
    assert {fault.code for fault in found.faults} <= {"SDF220", "SDF221", "SDF219"}
    assert import_system(Request(str(tmp_path / "x.system"), search=(str(folder),)), str(folder)).text is not None


def run(*words: str) -> int | str | None:
    parsed = parse(["import", *words])
    assert parsed is not None
    try:
        dispatch.run(*parsed)
    except SystemExit as end:
        return end.code
    return 0


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd()))
    assert run("x.system", "--board", "odroidc4", "--microkit", "2.0.1") == 0
    assert capsys.readouterr() == ("x.system: system.toml makes the same system\n", "")
    text = Path("system.toml").read_text()
    assert tomllib.loads(text)["system"] == {"name": "x", "boards": ["odroidc4"], "microkit": "2.0.1"}
    assert run("x.system") == 1
    assert capsys.readouterr().err == "sdfgen: system.toml is there already; --force writes over it\n"
    assert Path("system.toml").read_text() == text
    assert run("x.system", "--force") == 0
    assert capsys.readouterr().out == (
        "x.system: system.toml makes the same system (read as Microkit 2.3.0, the newest version that takes it; "
        "no board was named: what a board decides was not judged (--board NAME))\n"
    )
    assert "boards = []  # name the boards that it is for\n" in Path("system.toml").read_text()
    assert run("x.system", "-o", "no/such.toml") == 1
    assert capsys.readouterr().err == "sdfgen: no/such.toml: No such file or directory\n"
    assert run("x.system", "-o", "x.system", "--force") == 2
    assert sorted(os.listdir()) == ["system.toml", "x.system"]


def test_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(system(pd()).encode())))
    parsed = CliRunner().invoke(cli, ["import", "-", "-o", "-", "--board", QEMU], input=system(pd()))
    assert parsed.exit_code == 0
    assert tomllib.loads(parsed.stdout)["system"]["name"] == "system"
    assert "-: the description makes the same system" in parsed.stderr
    assert CliRunner().invoke(cli, ["import", "x.system", "-o", "-", "--format", "json"]).exit_code == 2
    assert os.listdir() == []
    capsys.readouterr()


def test_nothing_is_written_when_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd('" priority="255"')))
    Path("old.toml").write_text("old")
    assert run("x.system", "-o", "old.toml", "--force", "--format", "json") == 1
    assert [fault["code"] for fault in json.loads(capsys.readouterr().out)] == ["SDF032"]
    assert Path("old.toml").read_text() == "old"
    assert sorted(os.listdir()) == ["old.toml", "x.system"]


def test_somebody_else_is_quicker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that comes while this one is made is not written over."""
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd()))

    def meanwhile(*_: object) -> Imported:
        Path("system.toml").write_text("theirs")
        return import_system(Request("x.system"), ".")

    monkeypatch.setattr(import_, "import_system", meanwhile)
    assert run("x.system") == 1
    assert "is there already" in capsys.readouterr().err
    assert Path("system.toml").read_text() == "theirs"
    assert sorted(os.listdir()) == ["system.toml", "x.system"]


def test_no_mutant_ends_in_a_traceback(tmp_path: Path) -> None:
    texts = [path.read_bytes() for path in (*SEEDS, FILES / "kept.system")]
    path = tmp_path / "x.system"
    made = 0
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        path.write_bytes(mutated(random.choice(texts), random))
        board, version = random.choice((None, QEMU)), random.choice((None, None, "1.4.1", "2.0.1", "2.3.0"))
        found = import_system(Request(str(path), board, version), str(tmp_path))
        made += found.text is not None
        assert (found.text is None) == bool(found.faults.errors)
        assert not any(fault.code == "SDF221" for fault in found.faults), seed
        for style in FORMATS.values():
            style(found.faults.sorted())
    assert made


GUESTS: dict[str, list[dict[str, Any]]] = {
    "one": [{"name": "linux", "ram": 0x400_0000}],
    "three": [{"name": f"g{n}", "ram": 0x40_0000 << n} for n in range(3)],
    "devices": [{"name": "linux", "ram": 0x400_0000, "devices": ["virtio_mmio31", "uart"]}],
    "slots_of_a_page": [{"name": "linux", "ram": 0x400_0000, "devices": ["virtio_mmio30", "virtio_mmio28"]}],
    "interrupts": [{"name": "linux", "ram": 0x400_0000, "interrupts": ["virtio_mmio3"]}],
    "keys": [{"name": "a", "ram": 0x20_0000, "smc": True, "priority": 7, "budget": 20, "period": 2000}],
    "vmm": [
        {
            "name": "a",
            "ram": 0x20_0000,
            "vmm": {"priority": 99, "budget": 300, "stack_size": 0x8000, "program_image": "mine.elf", "fpu": True},
        }
    ],
    "cpus": [{"name": "a", "ram": 0x20_0000, "cpus": 3}, {"name": "b", "ram": 0x20_0000}],
    "cores": [{"name": "a", "ram": 0x20_0000, "cpus": 2, "core": [3, 1], "vmm": {"core": 2}}],
}
BESIDE = {
    "memory_region": [{"name": "m", "size": 0x1000}],
    "protection_domain": [
        {"name": "pd", "program_image": "pd.elf", "priority": 1, "map": [{"mr": "m", "vaddr": 0x2000_0000}]}
    ],
}


@pytest.mark.parametrize("kind", GUESTS)
@pytest.mark.parametrize("version", ["2.1.0", "2.3.0"])
@pytest.mark.parametrize("beside", [{}, BESIDE], ids=["alone", "beside"])
def test_guests_of_ours_are_found(kind: str, version: str, beside: dict[str, Any], tmp_path: Path) -> None:
    guests = [dict(guest) for guest in GUESTS[kind]]
    if version == "2.1.0" and "vmm" in guests[0]:
        guests[0]["vmm"] = {key: value for key, value in guests[0]["vmm"].items() if key != "fpu"}
    head = {"name": "x", "boards": [QEMU], "microkit": version}
    if kind in {"cpus", "cores"}:
        head["config"] = "smp-debug"
    tree = {"system": head, "guest": guests, **beside}
    text = system_file(resolved(tmp_path, tree))
    found = tomllib.loads(description(text, tmp_path, board=QEMU, microkit=version, config=head.get("config")))
    assert sorted(found.pop("guest"), key=lambda guest: guest["name"]) == guests
    assert found == {key: value for key, value in tree.items() if key != "guest"}


def test_the_guest_timer_has_keys_too(tmp_path: Path) -> None:
    tree = {
        "system": {"name": "x", "boards": [QEMU], "microkit": "2.3.0"},
        "guest": [{"name": "a", "ram": 0x20_0000}],
        "guest_timer": {"priority": 200, "stack_size": 0x2000},
    }
    text = system_file(resolved(tmp_path, tree))
    assert tomllib.loads(description(text, tmp_path, board=QEMU)) == tree


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('vaddr="0x80000000" perms="rw"', 'vaddr="0x90000000" perms="rw"'),
        ('cached="false"', 'cached="true"'),
        ('<memory_region name="linux_ram" size="0x4000000"', '<memory_region name="linux_ram" size="0x6000000"'),
        ('<map mr="linux_wake" vaddr="0x80000000" perms="r" />', ""),
        ('<irq irq="30" id="1"', '<irq irq="30" id="2"'),
        ("<channel>", "<!-- ours --><channel>"),
        ("linux_vmm", "vmm"),
    ],
)
def test_what_is_not_quite_a_guest_stays_raw(old: str, new: str, tmp_path: Path) -> None:
    tree = {"system": {"name": "x", "boards": [QEMU]}, "guest": [{"name": "linux", "ram": 0x400_0000}]}
    text = system_file(resolved(tmp_path, tree))
    assert old in text
    found = imported(text.replace(old, new), tmp_path, board=QEMU)
    assert found.text is not None
    read = tomllib.loads(found.text)
    larger = "0x6000000" in new  # which a guest can be, too
    assert ("guest" in read) == larger
    assert any("became no [[guest]]" in said for said in found.said) != larger
    assert canonical(built(found.text, tmp_path).encode()) == canonical(text.replace(old, new).encode())
