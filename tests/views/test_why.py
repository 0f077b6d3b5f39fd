"""Whatever is asked: what it is, who sees it and what decided it is what the system has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.commands.cli import cli
from sdfgen.commands.reference import schema_of_view
from sdfgen.records import plain
from sdfgen.views.why import nothing, why
from sdfgen.views.why_names import names
from sdfgen.views.why_symbols import symbols
from sdfgen.views.why_text import as_text
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS
from tests.views.views import SYSTEM_FILES, breaks, system_at, view_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

THINGS = {
    EXAMPLE: [
        *("0x48300000", "0x80900000", "1075838976", "0x40000000", "0x8040000", "0xa003e10", "0x160004", "0x47f00000"),
        *("0x6000_0000", "0x70000000", "0x50000000", "79", "30", "75", "1", "block_virt:1", "storage_vmm:0"),
        *("block_client1_0_data", "dev_virtio_mmio31", "client1_vmm", "guest_timer", "storage", "virtio_mmio31"),
        *("io_base_virt_data", "block_uio_driver.elf", "disk_0", "ram"),
    ],
    SYSTEMS / "raw.toml": [
        "33",
        "server",
        "client",
        "guest",
        "shared",
        "one",
        "uart",
        "server.elf",
        "tree",
        "0x20000000",
    ],
}


@pytest.mark.parametrize("path", THINGS, ids=lambda path: path.stem)
def test_golden(path: Path, golden: Golden) -> None:
    view = view_at(path)
    text = "\n".join(f"? {thing}\n{as_text(why(view, thing))}" for thing in THINGS[path])
    golden.check(GOLDENS / "views" / f"{path.parent.name}-{path.stem}.why.txt", text)


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_every_map_leads_to_all_who_see_the_byte(path: Path) -> None:
    system, view = system_at(path), view_at(path)
    seen = {(m.region, owner, m.vaddr) for owner, maps in system.spaces() for m in maps}
    for region in system.regions:
        offset = (region.size_bytes or 0x1000) - 1
        wanted = {(owner, address + offset) for name, owner, address in seen if name == region.name}
        for owner, address in wanted:
            answers = [
                one for one in why(view, hex(address)).answers if f"{region.name} + {offset:#x} in {owner}," in one.what
            ]
            assert [{(a.who, a.address) for a in one.access if not a.dma} for one in answers] == [wanted]
        if region.phys_addr is not None:
            at = why(view, str(region.phys_addr + offset)).answers
            assert wanted in [{(a.who, a.address) for a in one.access if not a.dma} for one in at]


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_everything_with_a_name_is_something(path: Path) -> None:
    view = view_at(path)
    schema = json.loads(schema_of_view("why"))
    for name in {*names(view), *symbols(view)}:
        found = why(view, name)
        assert found.answers, name
        assert all(one.decisions or one.kind == "scheduling domain" for one in found.answers)
        assert breaks(schema, plain(found), schema["$defs"]) == []


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.parent.name + "-" + path.stem)
def test_every_id_and_interrupt_is_found(path: Path) -> None:
    system, view = system_at(path), view_at(path)
    for pd in system.all_pds():
        ids = {end.id for channel in system.channels for end in channel.ends if end.pd == pd.name}
        for number in ids | {irq.id for irq in pd.irqs}:
            found = [one for one in why(view, f"{pd.name}:{number}").answers if one.kind == "channel id"]
            assert [one.name for one in found] == [f"{pd.name}:{number}"]
        for irq in pd.irqs:
            assert any(pd.name in one.what for one in why(view, str(irq.irq)).answers if one.kind == "interrupt")


VIEW = view_at(EXAMPLE)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.integers(-(2**70), 2**70).map(str),
        st.integers(0, 2**65).map(hex),
        st.from_regex(r"[a-z_]*:[0-9x]*"),
    )
)
def test_anything_may_be_asked(thing: str) -> None:
    found = why(VIEW, thing)
    said = as_text(found) if found.answers else nothing(VIEW, thing)
    assert said


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        ("foo", "'foo' is nothing in two-clients for qemu_virt_aarch64\n"),
        ("block_virtt", "'block_virtt' is nothing in two-clients for qemu_virt_aarch64 (did you mean `block_virt`?)\n"),
        ("5", "qemu_virt_aarch64.toml:"),
        ("0xdeadbeef99", "as a physical address: RAM ends at 0xc0000000\n"),
        ("5", "as a physical address: GIC distributor begins at 0x8000000\n"),
        ("9" * 5000, f"'{'9' * 60}...' is nothing in two-clients for qemu_virt_aarch64\n"),
        ("0x" + "f" * 40, "is nothing in two-clients"),
        ("", "'' is nothing in two-clients"),
        ("block_virt:9", "'block_virt:9' is nothing"),
        ("1__0", "'1__0' is nothing"),
        ("\x1b[31m\ud800", "is nothing"),
    ],
)
def test_nothing_is_told(thing: str, said: str) -> None:
    result = CliRunner().invoke(cli, ["why", thing, str(EXAMPLE), "--board", "qemu_virt_aarch64"])
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""


def test_what_comes_near_has_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "system.toml").write_text(EXAMPLE.read_text())
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["why", "clint1", "--board", "qemu_virt_aarch64"])
    said = """system.toml:15:8: error[SDF224]: \
'clint1' is nothing in two-clients for qemu_virt_aarch64 (did you mean `client1`?)
   15 | name = "client1"
      |        ^
  help: `sdfgen show` has all names and addresses

1 error
"""
    assert (result.exit_code, result.stderr) == (1, said)


def test_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forth = CliRunner().invoke(cli, ["why", "79", str(EXAMPLE)])
    back = CliRunner().invoke(cli, ["why", str(EXAMPLE), "79"])
    assert forth.exit_code == 0
    assert (forth.stdout, forth.stderr) == (back.stdout, back.stderr)
    monkeypatch.chdir(EXAMPLE.parent)
    assert CliRunner().invoke(cli, ["why", "79", "--format", "json"]).stdout.startswith("{")
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(cli, ["why", "79"])
    assert (missing.exit_code, "'system.toml' cannot be read" in missing.stderr) == (1, True)
    assert CliRunner().invoke(cli, ["why"]).exit_code == 2
    assert CliRunner().invoke(cli, ["why", "a\0b", "c\0d"]).exit_code == 1
