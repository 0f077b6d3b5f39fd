"""Native clients on cores of their own, small queues kept full: nothing that is waited for is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.guest.disks import Disk
from tests.guest.guests import client_guest, driver_guest

from .native import CLIENT, Load
from .trial import BLOCK, DRIVER, LAST_SLOT, QEMU, SMP_CORES, needed, needed_config, sdfgen, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

REQUESTS: Final = 2000
TIMEOUT_S: Final = 1500
SIZES_MIB: Final = (4, 4)
CAPACITIES: Final = {"load1": 4, "load2": 8}
# Of each placement: the driver's guest and its VMM, the virtualiser, the two clients. On the only core they have none.
PLACEMENTS: Final = {"four": (0, 1, 2, 3), "two": (0, 1, 0, 1), "only": ()}


def config_of(cores: tuple[int, ...]) -> str:
    """The kernel of a placement."""
    return "smp-debug" if cores else "debug"


def description(cores: tuple[int, ...]) -> str:
    """The system of a placement."""
    driver, virt = [f"core = {core}\n" for core in cores[:2]] or ["", ""]
    places = [f"cpu = {core}\n" for core in cores[2:]] or ["", ""]
    head = f'config = "{config_of(cores)}"\n[[guest]]\n{driver}'
    clients = [
        CLIENT.format(name=name, more=cpu, partition=partition, capacity=capacity)
        for partition, ((name, capacity), cpu) in enumerate(zip(CAPACITIES.items(), places, strict=True))
    ]
    system = DRIVER.format(name="cores", slot=LAST_SLOT, kernel="kernel").replace("[[guest]]\n", head)
    return "".join([system, *clients, BLOCK, f"[block.virtualiser]\n{virt}"])


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_nothing_is_lost_between_cores(tmp_path: Path, placement: str) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    cores = PLACEMENTS[placement]
    config = config_of(cores)
    needed_config(config, SMP_CORES if cores else 1)
    (tmp_path / "kernel").symlink_to(client.kernel)
    write_driver(driver, tmp_path / "driver")
    (tmp_path / "system.toml").write_text(description(cores))
    disk = Disk(str(tmp_path / "disk"), SIZES_MIB)
    disk.write_mbr()
    Load(REQUESTS, config).build(tmp_path, CAPACITIES)
    expected = [word for name in CAPACITIES for word in ("--expect", f"{name}: all done")]
    done = sdfgen("run", "--disk", disk.path, "--timeout", str(TIMEOUT_S), *expected, cwd=tmp_path)
    (tmp_path / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "a request failed" not in done.stdout
    assert "other data" not in done.stdout
