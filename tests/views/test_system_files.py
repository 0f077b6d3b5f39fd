"""System files that others wrote are shown, asked and compared as descriptions are."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sdfgen.commands.cli import cli
from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from tests.paths import EXAMPLE, FOUR_CORES, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

QEMU = "qemu_virt_aarch64"
LONE = SYSTEMS / "lone_guest.toml"
NEWEST = "read as Microkit 2.3.0, the newest version that takes it"
NO_BOARD = "no board was named: what a board decides was not judged (--board NAME)"
HAND_WRITTEN = """<system>
  <memory_region name="guest_memory" size="0x4000000" />
  <memory_region name="uart" size="0x1000" phys_addr="0x9000000" />
  <protection_domain name="VMM" priority="254">
    <program_image path="vmm.elf" />
    <map mr="guest_memory" vaddr="0x40000000" perms="rw" />
    <virtual_machine name="linux">
      <vcpu id="0" />
      <map mr="guest_memory" vaddr="0x40000000" perms="rwx" />
      <map mr="uart" vaddr="0x9000000" perms="rw" cached="false" />
    </virtual_machine>
    <irq irq="33" id="1" />
  </protection_domain>
</system>
"""
GREW = """qemu_virt_aarch64: authority grew

gained
  + VMM may receive interrupt 33 (x.system:12)
  + linux may read and write registers at 0x9000000..0x9001000 (x.system:10)

lost
  what went with the parts that are gone (8)

renamed
  memory region linux_ram is guest_memory now
  protection domain linux_vmm is VMM now
"""


def run(*words: str, given: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, words, input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a system file that somebody wrote, where commands are called."""
    (tmp_path / "x.system").write_text(HAND_WRITTEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", [EXAMPLE, FOUR_CORES, *sorted(SYSTEMS.glob("*.toml"))], ids=lambda path: path.stem)
def test_what_a_description_emits_is_no_other_system(path: Path, tmp_path: Path) -> None:
    description = describe(str(path))
    board, system = next(iter(description.systems.items()))
    file = tmp_path / "x.system"
    file.write_text(system_file(system), encoding="utf-8")
    status, out, _ = run("diff", str(path), str(file), "--board", board, "--search-path", system.folder)
    assert (status, out.partition("\n")[0]) == (0, f"{board}: no difference"), out
    assert run("diff", str(file), str(file), "--board", board)[:2] == (0, f"{board}: no difference\n")


def test_of_what_only_one_can_say_that_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.system"
    file.write_text(system_file(describe(str(EXAMPLE)).systems[QEMU]), encoding="utf-8")
    left_out = "services; values in ELFs; files, command lines and emulated devices of guests"
    told = f"not compared, since one of the two cannot say it: {left_out}\n"
    assert run("diff", str(EXAMPLE), str(file))[1] == f"{QEMU}: no difference\n\n{told}"
    markdown = run("diff", str(file), str(EXAMPLE), "--format", "markdown")[1]
    assert markdown.endswith(f"### `{QEMU}`: no difference\n\n{told}")


def test_a_hand_written_system_is_recognised(folder: Path) -> None:
    assert folder.is_dir()
    status, out, err = run("diff", str(LONE), "x.system")
    assert (status, out[: len(GREW)]) == (3, GREW)
    assert "program image: linux_vmm.elf -> vmm.elf (x.system:4)" in out
    assert err == f"sdfgen: for {QEMU}; --board chooses odroidc4\nsdfgen: x.system: {NEWEST}\n"
    back = run("diff", "x.system", str(LONE))[1]
    assert "\n  - linux_vmm may receive interrupt 33 (x.system:12)\n" in back
    assert "protection domain VMM is linux_vmm now" in back


def test_shown_and_asked(folder: Path) -> None:
    assert folder.is_dir()
    status, out, err = run("show", "x.system", "--board", QEMU, "--microkit", "2.1.0")
    head = f"x for {QEMU}, Microkit 2.1.0 (debug): 1 protection domain, 1 virtual machine, 2 memory regions, 0 channels"
    assert (status, out.partition("\n")[0], err) == (0, head, "")
    assert run("show", "x.system")[2] == f"sdfgen: x.system: {NEWEST}; {NO_BOARD}\n"
    assert "x.system:9:37" in run("why", "0x40000010", "x.system")[1]
    assert run("why", "x.system", "33", "--board", QEMU)[1] == (
        "interrupt 33: of uart, level, comes to VMM on channel id 1\n  decided by\n"
        "    x.system:12:15 protection_domain[0].irq[0].irq  who receives it  written here\n"
    )


def test_standard_input(folder: Path) -> None:
    assert folder.is_dir()
    assert run("show", "-", given=HAND_WRITTEN)[0] == 0
    assert run("diff", "x.system", "-", given=HAND_WRITTEN)[:2] == (0, "no board named: no difference\n")
    assert run("diff", "-", "-") == (2, "", "sdfgen: one of the two can be on standard input\n")


def test_without_a_board_and_with_one(folder: Path) -> None:
    (folder / "y.system").write_text(HAND_WRITTEN.replace('"33"', '"34"'), encoding="utf-8")
    status, out, _ = run("diff", "x.system", "y.system", "--format", "markdown")
    assert (status, out.split("\n")[2]) == (3, "### no board named: authority grew")
    assert run("diff", "x.system", "y.system", "--board", QEMU)[1].startswith(f"{QEMU}: authority grew")


@pytest.mark.parametrize("words", [("show", "x.system"), ("why", "linux", "x.system"), ("diff", "x.system", "-")])
def test_faults_are_told_as_check_tells_them(words: tuple[str, ...], folder: Path) -> None:
    (folder / "x.system").write_text(HAND_WRITTEN.replace("vcpu", "vcpus"), encoding="utf-8")
    status, out, err = run(*words, given=HAND_WRITTEN)
    assert (status, out) == (1, "")
    assert err.startswith("x.system:8:8: error[SDF004]: unknown element <vcpus>")


def test_what_is_for_descriptions(folder: Path) -> None:
    assert folder.is_dir()
    told = "sdfgen: --set is for descriptions, and this is a system file\n"
    assert run("show", "x.system", "--set", "system.name='y'") == (2, "", told)
    assert run("show", "x.system", "--board", "nothing")[0] == 1
    assert run("show", "nothing.system")[2].startswith("nothing.system:1:1: error[SDF001]: 'nothing.system' cannot be")


def test_a_file_of_another_name_is_no_other_system(folder: Path) -> None:
    (folder / "y.system").write_text(HAND_WRITTEN)
    code, out, _ = run("diff", "x.system", "y.system")
    assert (code, out) == (0, "no board named: no difference\n")


def test_a_revision_of_a_system_file(folder: Path) -> None:
    included = HAND_WRITTEN.replace(
        '  <memory_region name="uart" size="0x1000" phys_addr="0x9000000" />\n',
        '  <xi:include href="uart.xml" xmlns:xi="http://www.w3.org/2001/XInclude" />\n',
    )
    (folder / "x.system").write_text(included, encoding="utf-8")
    (folder / "uart.xml").write_text('<memory_region name="uart" size="0x1000" phys_addr="0x9000000" />')
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    (folder / "x.system").write_text(included.replace('"254"', '"253"'), encoding="utf-8")
    status, out, err = run("diff", "main:x.system", "x.system", "--board", QEMU)
    changed = "scheduling\n  protection domain VMM, priority: 254 -> 253 (x.system:4)\n"
    assert (status, out) == (0, f"{QEMU}: the same authority\n\n{changed}")
    assert err == f"sdfgen: main:x.system: {NEWEST}\nsdfgen: x.system: {NEWEST}\n"
    (folder / "uart.xml").write_text("<uart />")
    subprocess.run(["git", *identity, "commit", "-qam", "second"], cwd=folder, check=True)
    assert "main:uart.xml:1:2: error[SDF004]" in run("show", "main:x.system")[2]
