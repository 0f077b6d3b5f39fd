"""On seL4, a guest that touches an address which is not its own gets nothing and is stopped; nobody else is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from lxml import etree

from tests.guest.guests import driver_guest

from .arm64 import LOAD_WORD, STORE_WORD, touching
from .trial import QEMU, needed, sdfgen, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

BOARD: Final = "qemu_virt_aarch64"
TIMEOUT_S: Final = 600
# Each has the console for itself when its VMM says what happened.
SECONDS_BETWEEN: Final = 2
RAM_BYTES: Final = 4 << 20
LAST_WORD: Final = -4


class Touch(NamedTuple):
    """Where a client's address is found in the system file, and what it does there."""

    xpath: str
    access: int
    offset: int = 0


def mapped(holder: str, region: str) -> str:
    return f"//*[@name='{holder}']/map[@mr='{region}']/@vaddr"


TOUCHES: Final = {
    "own_first": Touch(mapped("own_first", "own_first_ram"), STORE_WORD, RAM_BYTES // 2),
    "own_last": Touch(mapped("own_last", "own_last_ram"), LOAD_WORD, RAM_BYTES + LAST_WORD),
    "before_ram": Touch(mapped("before_ram", "before_ram_ram"), STORE_WORD, LAST_WORD),
    "behind_ram": Touch(mapped("behind_ram", "behind_ram_ram"), LOAD_WORD, RAM_BYTES),
    "disk": Touch(mapped("storage", "dev_virtio_mmio31"), LOAD_WORD),
    "driver_requests": Touch(mapped("storage", "block_driver_requests"), STORE_WORD),
    "driver_data": Touch(mapped("storage", "block_own_first_0_data"), LOAD_WORD),
    "own_vmm": Touch(mapped("own_vmm_vmm", "block_own_vmm_0_requests"), STORE_WORD),
    "virtualiser": Touch(mapped("block_virt", "block_virt_data"), LOAD_WORD),
    "physical": Touch("//memory_region[@name='block_virt_data']/@phys_addr", STORE_WORD),
}
OWN: Final = ("own_first", "own_last")
OTHERS: Final = [name for name in TOUCHES if name not in OWN]
CLIENT: Final = """\
[[guest]]
name = "{name}"
disk = [{{ partition = {index} }}]
ram = "{ram} MiB"
kernel = "{name}"
"""
SYSTEM: Final = """\
[system]
name = "memory"
boards = ["qemu_virt_aarch64"]
[block]
driver = "storage"
storage = "/dev/vda"
physical_addresses = "assigned"
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
kernel = "kernel"
initrd = "driver"
"""


class Seen(NamedTuple):
    """The addresses that were touched, and the consoles."""

    addresses: dict[str, int]
    console: str


def write_clients(folder: Path, addresses: dict[str, int], console: int) -> None:
    for index, (name, touch) in enumerate(TOUCHES.items(), start=1):
        kernel = touching(touch.access, addresses[name], console, index * SECONDS_BETWEEN)
        (folder / name).write_bytes(kernel)


def write_project(folder: Path) -> None:
    driver = needed(driver_guest, QEMU)
    (folder / "kernel").symlink_to(driver.kernel)
    write_driver(driver, folder / "driver")
    clients = (CLIENT.format(name=name, index=index, ram=RAM_BYTES >> 20) for index, name in enumerate(TOUCHES))
    (folder / "system.toml").write_text(SYSTEM + "".join(clients))


def decided(folder: Path) -> tuple[dict[str, int], int]:
    """The addresses to touch and the console's, which do not depend on what the clients' kernels hold."""
    write_clients(folder, dict.fromkeys(TOUCHES, 0), 0)
    done = sdfgen("build", "--no-compile", cwd=folder)
    assert done.returncode == 0, done.stderr
    built = folder / "build" / BOARD
    system = etree.parse(str(built / "memory.system"))
    found = {name: system.xpath(touch.xpath) for name, touch in TOUCHES.items()}
    addresses = {name: int(values[0], 16) + TOUCHES[name].offset for name, values in found.items()}
    (console,) = re.findall(r"\bpl011@([0-9a-f]+) {", (built / "dts" / "own_first.dts").read_text())
    return addresses, int(console, 16)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("memory")
    write_project(folder)
    addresses, console = decided(folder)
    write_clients(folder, addresses, console)
    ends = [f"{name}:@@ touched" if name in OWN else f"{name}_vmm: the guest is stopped" for name in TOUCHES]
    options = ("--timeout", str(TIMEOUT_S), "--disk-size", "1MiB")
    done = sdfgen("run", *options, *(word for end in ends for word in ("--expect", end)), cwd=folder)
    (folder / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return Seen(addresses, done.stdout)


@pytest.mark.parametrize("name", TOUCHES)
def test_only_what_is_its_own_lets_a_guest_go_on(seen: Seen, name: str) -> None:
    said = re.findall(rf"^{name}\| @@ (.*)$", seen.console, re.MULTILINE)
    assert said == (["touches", "touched"] if name in OWN else ["touches"])


@pytest.mark.parametrize("name", OTHERS)
def test_a_guest_is_stopped_for_the_address_that_it_touched(seen: Seen, name: str) -> None:
    faults = re.findall(
        rf"^{name}_vmm\|ERROR .* unexpected memory fault on address: (\w+),", seen.console, re.MULTILINE
    )
    assert [int(fault, 16) for fault in faults] == [seen.addresses[name]]


def test_nobody_else_is_stopped(seen: Seen) -> None:
    stopped = re.findall(r"(\w+)_vmm: the guest is stopped", seen.console)
    assert sorted(stopped) == sorted(OTHERS)
    assert "MON|ERROR" not in seen.console
