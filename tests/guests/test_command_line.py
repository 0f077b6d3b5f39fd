"""Kernel command lines: how Linux takes words apart, how much of them it keeps, and what contradicts the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.guests.command_line import MOST_BYTES, words_of
from tests.paths import FAULTS, ROOT

if TYPE_CHECKING:
    from pathlib import Path

GUEST = """\
[system]
name = "demo"
boards = ["{board}"]
[[guest]]
name = "linux"
{keys}
bootargs = '{bootargs}'
"""
QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"


def said(folder: Path, bootargs: str, keys: str = "", board: str = QEMU) -> list[tuple[str, str]]:
    (folder / "system.toml").write_text(GUEST.format(board=board, keys=keys, bootargs=bootargs), encoding="utf-8")
    faults = describe(str(folder / "system.toml")).faults.sorted()
    return [(fault.code, fault.severity) for fault in faults if fault.code.startswith("SDF13")]


WORDS = [
    ("quiet ro", [("quiet", ""), ("ro", "")]),
    ("a=1  b=2", [("a", "1"), ("b", "2")]),
    ('dyndbg="file x +p" ro', [("dyndbg", "file x +p"), ("ro", "")]),
    ('"a=b c" d', [("a", "b c"), ("d", "")]),
    ("a-b.c-d=e-f", [("a_b.c_d", "e-f")]),
    ("a -- b=c", [("a", "")]),
    ("a=--", [("a", "--")]),
    ("root=PARTUUID=1-2", [("root", "PARTUUID=1-2")]),
    ("", []),
]


@pytest.mark.parametrize(("text", "words"), WORDS, ids=[text or "empty" for text, _ in WORDS])
def test_words_end_where_linux_ends_them(text: str, words: list[tuple[str, str]]) -> None:
    assert list(words_of(text)) == words


@pytest.mark.parametrize(
    ("keys", "board", "added"),
    [
        ("", QEMU, "console=ttyAMA0 "),
        ('devices = ["uart"]', QEMU, "console=ttyAMA0 "),
        (
            f'dtb = "{FAULTS}/parts/odroid.dtb"',
            ODROID,
            "nr_cpus=1 clk_ignore_unused pd_ignore_unused console=ttyAMA0 ",  # nr_cpus is the guest's
        ),
    ],
)
def test_linux_keeps_2047_bytes(tmp_path: Path, keys: str, board: str, added: str) -> None:
    room = MOST_BYTES - len(added)
    assert MOST_BYTES == 2047
    assert said(tmp_path, "q" * room, keys, board) == []
    assert said(tmp_path, "q" * (room + 1), keys, board) == [("SDF137", "error")]


@pytest.mark.parametrize(("cpus", "expected"), [(1, []), (2, [("SDF138", "warning")])])
def test_a_board_file_does_not_say_how_many_cpus_linux_uses(
    tmp_path: Path, cpus: int, expected: list[tuple[str, str]]
) -> None:
    (tmp_path / "boards").mkdir()
    shipped = (ROOT / "boards" / f"{ODROID}.toml").read_text(encoding="utf-8")
    old = shipped.replace('bootargs = "clk', 'bootargs = "nr_cpus=1 clk')
    assert old != shipped
    (tmp_path / "boards" / "own.toml").write_text(old, encoding="utf-8")
    found = said(tmp_path, "", f'dtb = "{FAULTS}/parts/odroid.dtb"\ncpus = {cpus}', "own")
    assert [one for one in found if one[0] == "SDF138"] == expected


def test_bytes_are_counted_and_not_letters(tmp_path: Path) -> None:
    half = (MOST_BYTES - len("console=ttyAMA0 ")) // 2
    assert said(tmp_path, "é" * half) == [("SDF137", "warning")]
    assert said(tmp_path, "é" * (half + 1)) == [("SDF137", "warning"), ("SDF137", "error")]


WARNING, ERROR = [("SDF138", "warning")], [("SDF138", "error")]
UART = 'devices = ["uart"]'
SLOT = 'devices = ["virtio_mmio31"]'
CONSOLE = 0x16_0000
CASES = [
    ("console=ttyAMA0", "", []),
    ("console=ttyAMA0,115200n8", "", []),
    ("console=ttyAMA1", "", WARNING),
    ("console=hvc0", "", WARNING),
    ("console=hvc0", SLOT, []),  # what is behind the slot is not known
    ("console=tty0", "", []),
    ("console=tty", "", []),
    ("console=ttynull", "", []),
    ("console=", "", []),
    ("-- console=hvc0", "", []),
    ("netconsole=hvc0", "", []),
    ("earlycon", "", []),
    (f"earlycon=pl011,{CONSOLE:#x}", "", []),
    (f"earlycon=pl011,mmio32,{CONSOLE + 0xFFC:#x}", "", []),
    (f"earlycon=pl011,{CONSOLE + 0x1000:#x}", "", ERROR),
    (f"earlycon=pl011,{CONSOLE - 4:#x}", "", ERROR),
    ("earlycon=pl011,0x9000000", "", ERROR),
    ("earlycon=pl011,0x9000000,115200n8", UART, []),
    ("initrd=0x48000000,1M", "", ERROR),
    ("initrdmem=0x48000000,0x100000", "", ERROR),
    (r"initrd=\initrd.img", "", []),  # for the EFI stub
    ("uio_pdrv_genirq.of_id=mine", "", []),  # nobody needs it here
    ("nr_cpus=1", "", []),
    ("nr_cpus=1", "cpus = 2", WARNING),
    ("nr_cpus=2", "cpus = 2", []),
    ("nr_cpus=8", "cpus = 2", []),
    ("nr_cpus=0 nr_cpus=x nr_cpus=", "cpus = 2", []),
    ("maxcpus=1", "cpus = 2", []),  # Linux may start the others later
]


@pytest.mark.parametrize(("bootargs", "keys", "expected"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_words_that_contradict_the_machine(
    tmp_path: Path, bootargs: str, keys: str, expected: list[tuple[str, str]]
) -> None:
    assert said(tmp_path, bootargs, keys) == expected


def test_the_boards_console_is_no_console_of_a_guest_without_the_uart(tmp_path: Path) -> None:
    keys = 'devices = ["bus3"]'
    assert said(tmp_path, "console=ttyAML0", keys, ODROID) == WARNING
    assert said(tmp_path, "console=ttyAML0", 'devices = ["uart", "bus2_low"]', ODROID) == []


DRIVEN = """
[[guest]]
name = "client"
disk = [{ partition = 0 }]
[block]
driver = "linux"
storage = "/dev/vda"
"""
OF_ID = [
    ("uio_pdrv_genirq.of_id=mine", ERROR),
    ("uio-pdrv-genirq.of-id=mine", ERROR),
    ('uio_pdrv_genirq.of_id="mine"', ERROR),
    ("uio_pdrv_genirq.of_id=generic-uio", []),
    ("-- uio_pdrv_genirq.of_id=mine", []),
]


@pytest.mark.parametrize(("word", "expected"), OF_ID, ids=[word for word, _ in OF_ID])
def test_a_word_that_a_subsystem_needs_stays(tmp_path: Path, word: str, expected: list[tuple[str, str]]) -> None:
    keys = f"{SLOT}\nbootargs = '{word}'{DRIVEN}"
    text = GUEST.format(board=QEMU, keys=keys, bootargs="").replace("\nbootargs = ''\n", "\n")
    (tmp_path / "system.toml").write_text(text)
    assert [(f.code, f.severity) for f in describe(str(tmp_path / "system.toml")).faults] == expected


ROOTS = [
    ("root=/dev/vda", 1, None),
    ("root=/dev/vda2 ro", 1, None),
    ("quiet root=/dev/vdb", 1, "error"),
    ("root=/dev/vdb", 2, None),
    ("root=/dev/vdc1", 2, "error"),
    ("root=/dev/vda", 0, "error"),
    ("xroot=/dev/vdb", 0, None),
    ("root=/dev/sda", 0, None),
    ("root=/dev/vdaa", 2, "error"),
]


@pytest.mark.parametrize(("bootargs", "disks", "severity"), ROOTS)
def test_the_root_is_a_disk_of_the_guests(tmp_path: Path, bootargs: str, disks: int, severity: str | None) -> None:
    disk = ", ".join(f"{{ partition = {number} }}" for number in range(disks))
    more = f"{SLOT}\n{DRIVEN}".replace("linux", "storage")
    text = GUEST.format(board=QEMU, keys=f"disk = [{disk}]" if disks else "", bootargs=bootargs)
    text += f'[[guest]]\nname = "storage"\n{more}'.replace("partition = 0", "partition = 9")
    (tmp_path / "system.toml").write_text(text)
    found = [(fault.code, fault.severity) for fault in describe(str(tmp_path / "system.toml")).faults]
    assert found == ([("SDF139", severity)] if severity else [])
    (tmp_path / "initrd").write_bytes(b"070701" + b"0" * 104)
    (tmp_path / "system.toml").write_text(text.replace("bootargs", 'initrd = "initrd"\nbootargs', 1))
    found = [(fault.code, fault.severity) for fault in describe(str(tmp_path / "system.toml")).faults]
    assert found == ([("SDF139", "warning")] if severity else [])


def test_a_guest_with_devices_may_find_a_disk_there(tmp_path: Path) -> None:
    assert said(tmp_path, "root=/dev/vda", SLOT) == []
