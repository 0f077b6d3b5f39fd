"""`sdfgen board NAME --free`: the memory that regions with an address may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from sdfgen.commands.cli import cli
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request

if TYPE_CHECKING:
    from pathlib import Path

QEMU = """\
0x40000000..0x60000000           512 MiB  window `guest`
0x60273000..0x90000000        783924 KiB  RAM
0x90000000..0xb8000000           640 MiB  window `ram`
0xb8000000..0xbf800000           120 MiB  RAM
0xbfc09000..0xc0000000          4060 KiB  RAM
"""
SYSTEM = """\
<system>
  <memory_region name="m" size="{size}" phys_addr="{address}" />
  <protection_domain name="pd">
    <program_image path="pd.elf" />
    <map mr="m" vaddr="0x1000000000" />
  </protection_domain>
</system>
"""


def free(*words: str) -> str:
    done = CliRunner().invoke(cli, ["board", "qemu_virt_aarch64", "--free", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_is_free_of_a_board() -> None:
    assert free() == QEMU
    assert free("--microkit", "2.3.0") == QEMU
    assert free("--microkit", "2.0.1").splitlines()[3:] == [
        "0xb8000000..0xbffc0000        130816 KiB  RAM",
        "0xbffe9000..0xc0000000            92 KiB  RAM",
    ], "a smaller CNode"


def test_what_a_system_file_has_is_not_free(tmp_path: Path) -> None:
    path = tmp_path / "x.system"
    path.write_text(SYSTEM.format(size="0x1000", address="0x40001000"))
    assert free("--system", str(path)).splitlines()[:2] == [
        "0x40000000..0x40001000             4 KiB  window `guest`",
        "0x40002000..0x60000000        524280 KiB  window `guest`",
    ]


def test_no_rule_is_against_what_is_free(tmp_path: Path) -> None:
    for version in ("2.0.1", "2.3.0"):
        for line in free("--microkit", version).splitlines():
            start, end = (int(word, 16) for word in line.split()[0].split(".."))
            path = tmp_path / "x.system"
            path.write_text(SYSTEM.format(size=f"{end - start:#x}", address=f"{start:#x}"))
            assert not examine(Request(str(path), "qemu_virt_aarch64", version)).faults.errors, line


def test_a_board_that_is_not_known() -> None:
    done = CliRunner().invoke(cli, ["board", "qemu_virt_aarch46", "--free"])
    assert done.exit_code == 1
    assert "did you mean `qemu_virt_aarch64`?" in done.output
