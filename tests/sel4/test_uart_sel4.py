"""On seL4, a UART driver hangs: guests go on, what is kept of consoles is shown later, and what is lost is counted."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest

from .native import link_with_types
from .trial import BLOCK, QEMU, needed, script_archive, sdfgen, write_driver

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.sel4

HANG_S: Final = 30
PATIENCE_S: Final = 2
SLACK_S: Final = 6
KEPT_BYTES: Final = 4096
BROKEN_LINES: Final = 1
"""The monitor tells of losses as they come, on the debug console: in the middle of a line."""
TIMEOUT_S: Final = 900
DRIVER_SOURCES: Final = ("serial/serial_queue.c",)
RUNS: Final = {"client1": "writes.sh", "client2": "lines.sh"}
# Debian's kernel has virtio-console as a module, which these guests don't bring: they speak by the PL011.
DESCRIPTION: Final = f"""
[system]
name = "hanging"
boards = ["qemu_virt_aarch64"]
[[memory_region]]
name = "uart_registers"
size = 0x1000
phys_addr = 0x0900_0000
[[memory_region]]
name = "clock_registers"
size = 0x1000
phys_addr = 0x0901_0000
[[protection_domain]]
name = "uart_driver"
program_image = "hanging_uart.elf"
priority = 120
budget = 2000
period = 10000
map = [
    {{ mr = "uart_registers", vaddr = 0x2000_0000, cached = false, setvar_vaddr = "uart_base" }},
    {{ mr = "clock_registers", vaddr = 0x2000_1000, cached = false, setvar_vaddr = "clock_base" }},
]
irq = [{{ irq = 33, id = 0 }}, {{ irq = 34, id = 1 }}]
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
kernel = "kernel"
initrd = "driver"
bootargs = "quiet console=ttyAMA0"
[[guest]]
name = "client1"
kernel = "kernel"
initrd = "client1"
bootargs = "quiet console=ttyAMA0"
disk = [{{ partition = 0 }}]
[[guest]]
name = "client2"
kernel = "kernel"
initrd = "client2"
bootargs = "quiet console=ttyAMA0"
{BLOCK}
[console]
driver = "uart_driver"
[monitor]
interval = 0
"""
STEPS: Final = r"""
expect client1:@@ wrote 3 at
expect client2:@@ line 1000100,
send client1:\x13
expect the UART's driver goes on
expect bytes lost of client2
send client1:\n
expect client1:@@ wrote \d+ at .* s$
expect client2:@@ line \d+,
send client1:\n
expect client1:@@ wrote \d+ at .* s$
expect client2:@@ line \d+,
"""


class Seen(NamedTuple):
    """Consoles as they were shown, and what the multiplexer had counted in the end."""

    console: str
    counted: str

    def before_and_after(self) -> tuple[str, str]:
        before, after = self.console.split("console_mux| the UART's driver goes on\n")
        return before, after

    @property
    def lost_bytes(self) -> dict[str, int]:
        said = re.findall(r"^console_mux\| (\d+) bytes lost of (\S+)$", self.console, re.MULTILINE)
        return {name: int(count) for count, name in said}

    def counters(self, row: str) -> list[int]:
        """out_bytes out_lines out_lost in_bytes in_lost focus_changes cut_offs"""
        (numbers,) = re.findall(rf"^{row} +((?: *\d+)+)$", self.counted, re.MULTILINE)
        return [int(number) for number in numbers.split()]


def lines_of(text: str) -> list[int]:
    """Whole lines of client2."""
    return [int(number) for number in re.findall(r"^client2\| @@ line (\d+), of .* for\.", text, re.MULTILINE)]


def missing(numbers: Iterable[int]) -> set[int]:
    """What was not seen of an unbroken sequence."""
    found = set(numbers)
    return set(range(min(found), max(found) + 1)) - found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("hanging")
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    (folder / "kernel").symlink_to(client.kernel)
    write_driver(driver, folder / "driver")
    for name, script in RUNS.items():
        write_initrd(client, str(folder / name), script_archive(script, {}))
    link_with_types(folder, "hanging_uart", DRIVER_SOURCES, f"-DHANG_S={HANG_S}u")
    (folder / "system.toml").write_text(DESCRIPTION)
    (folder / "steps").write_text(STEPS)
    done = sdfgen("run", "--script", "steps", "--timeout", str(TIMEOUT_S), "--stats", cwd=folder)
    (folder / "console").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return Seen(done.stdout, done.stderr)


def test_who_writes_little_loses_nothing_and_goes_on_writing_to_his_disk(seen: Seen) -> None:
    found = re.findall(r"^client1\| @@ wrote (\d+) at (\S+) s$", seen.console, re.MULTILINE)
    times = {int(number): float(uptime) for number, uptime in found}
    assert list(times) == sorted(times)
    assert len(missing(times)) <= BROKEN_LINES
    pauses = [later - earlier for earlier, later in itertools.pairwise(times.values())]
    assert max(pauses) < PATIENCE_S + SLACK_S < HANG_S / 2


def test_who_writes_much_loses_what_is_counted_and_keeps_the_newest(seen: Seen) -> None:
    before, after = (lines_of(text) for text in seen.before_and_after())
    line_bytes = len("@@ line 1000000, of those that nobody waits for.\r\n")
    assert seen.lost_bytes["client2"] > 0
    assert abs((after[0] - before[-1] - 1) * line_bytes - seen.lost_bytes["client2"]) < 2 * line_bytes
    assert len(missing(after[: KEPT_BYTES // line_bytes - 1])) <= BROKEN_LINES


def test_losses_are_counted_by_whom_and_giving_up_once(seen: Seen) -> None:
    assert seen.counters("console_mux")[-1] == 1
    assert seen.counters("console_mux client2")[2] == seen.lost_bytes["client2"]
    assert seen.counters("console_mux client1")[2] == 0
    assert "client1" not in seen.lost_bytes
