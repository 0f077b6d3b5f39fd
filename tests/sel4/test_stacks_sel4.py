"""How much of its stack each protection domain uses on seL4 in QEMU, and what happens to one that needs more."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sdfgen.build.toolchain import PD_FLAGS, PD_LINKER, SDK, ZIG_FLAGS
from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.driver_vm import RAM, RAM_BYTES
from tests.guest.guests import client_guest, driver_guest

from .stacks import stack_ranges
from .trial import EXAMPLE, QEMU, needed, sdfgen, write_driver

pytestmark = pytest.mark.sel4

HERE: Final = Path(__file__).parent
BOARD: Final = "qemu_virt_aarch64"
TIMEOUT_S: Final = 600
DEEP_TIMEOUT_S: Final = 60
# A stack is this many times what is used of it, at least.
MARGIN: Final = 2

TRAFFIC: Final = """\
dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync
dd if=/dev/vda of=/dev/null bs=4k count=256 iflag=direct
"""
# What the device says no to, every register, then an address of nobody: the VMM says a lot, and stops the guest.
HOSTILE: Final = """\
mmio=0x$(sed -n 's/^ *\\([0-9a-f]*\\)-.*virtio.*/\\1/p' /proc/iomem | head -n 1)
dd if=/dev/vda of=/dev/null bs=64k &
for offset in $(seq 0 4 508); do
    devmem $((mmio + offset)) 32 0xffffffff
    devmem $((mmio + offset)) 16 0xffff
    devmem $((mmio + offset)) 64 >/dev/null
done
echo "@@ garbage"
devmem 0x7ffffff000 32
"""
SCRIPTS: Final = {"client1": TRAFFIC + HOSTILE, "client2": TRAFFIC + 'echo "@@ served"\n'}
FOREVER: Final = "while :; do sleep 1000; done\n"
EXPECTED: Final = ("client1:@@ garbage", "client1_vmm: the guest is stopped", "client2:@@ served")

DEEP: Final = """\
[system]
name = "deep"
boards = ["qemu_virt_aarch64"]
[[protection_domain]]
name = "deep"
program_image = "deep.elf"
priority = 2
[[protection_domain]]
name = "witness"
program_image = "deep.elf"
priority = 1
"""


def write_project(folder: Path) -> list[str]:
    """The example's description and guests; the settings that bring them together."""
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    shutil.copy(EXAMPLE, folder)
    write_driver(driver, folder / "driver")
    settings = {"guest.storage.kernel": client.kernel, "guest.storage.initrd": "driver"}
    for name, script in SCRIPTS.items():
        extra = Cpio()
        extra.file("test/run", (script + FOREVER).encode())
        write_initrd(client, str(folder / name), extra)
        keys = {"kernel": client.kernel, "initrd": name, "bootargs": "quiet iomem=relaxed"}
        settings |= {f"guest.{name}.{key}": value for key, value in keys.items()}
    return [word for key, value in settings.items() for word in ("--set", f'{key}="{value}"')]


def in_file(ram: Path) -> tuple[str, ...]:
    """QEMU's arguments that keep the machine's RAM in a file, which stays."""
    memory = f"memory-backend-file,id=ram,size={RAM_BYTES},mem-path={ram},share=on"
    return "--", "-object", memory, "-machine", "memory-backend=ram"


def used_bytes(ram: Path, address: int, size_bytes: int) -> int:
    """How far a stack has grown: the kernel clears its pages before they are mapped."""
    with ram.open("rb") as file:
        file.seek(address - RAM)
        return len(file.read(size_bytes).lstrip(b"\0"))


def test_stacks_are_larger_than_what_is_used_of_them_by_the_margin(tmp_path: Path) -> None:
    ram = tmp_path / "ram"
    settings = write_project(tmp_path)
    expected = [word for text in EXPECTED for word in ("--expect", text)]
    options = ("--board", BOARD, "--timeout", str(TIMEOUT_S), *settings, *expected, *in_file(ram))
    done = sdfgen("run", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "SDF104" not in done.stderr
    stacks = stack_ranges(tmp_path / "build" / BOARD)
    marks = {name: (used_bytes(ram, *stack), stack[1]) for name, stack in stacks.items()}
    ram.unlink()
    sys.stdout.write("".join(f"{name} {used} of {size} bytes\n" for name, (used, size) in marks.items()))
    assert {f"{name}_vmm" for name in (*SCRIPTS, "storage")} < marks.keys()
    assert all(0 < used * MARGIN <= size for used, size in marks.values()), marks


def link_domain(folder: Path, name: str) -> None:
    """A program image of tests/sel4/c, linked as those of the templates are."""
    board = os.path.join(os.environ[SDK], "board", BOARD, "debug")
    python = shlex.quote(sys.executable)
    flags = f"{ZIG_FLAGS} -target aarch64-freestanding {PD_FLAGS} -isystem {shlex.quote(board)}/include"
    libraries = f"{shlex.quote(board)}/lib/libmicrokit.a -T {shlex.quote(board)}/lib/microkit.ld"
    steps = (
        f"{python} -m ziglang cc {flags} -c {shlex.quote(str(HERE / 'c' / name))}.c -o {name}.o",
        f"{PD_LINKER.replace('$python', python)} {name}.o {libraries} -o {name}.elf",
    )
    for step in steps:
        subprocess.run(shlex.split(step), cwd=folder, check=True)


def test_a_domain_that_needs_more_is_stopped_by_the_page_below_and_no_other_is(tmp_path: Path) -> None:
    needed(lambda: None, QEMU)
    link_domain(tmp_path, "deep")
    (tmp_path / "system.toml").write_text(DEEP)
    expected = ("--expect", "potential stack overflow", "--expect", "witness: runs")
    done = sdfgen("run", "--timeout", str(DEEP_TIMEOUT_S), *expected, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "came back" not in done.stdout
