"""As many clients on one disk as Microkit has protection domains for: all are served, and none sees another's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.guest.guests import client_guest, driver_guest

from .native import CLIENT, Load
from .trial import BLOCK, DRIVER, LAST_SLOT, QEMU, needed, sdfgen, sdk_version, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

COUNT: Final = 60
"""With the driver VM's VMM, the guest timer and the virtualiser: 63 protection domains."""
COUNT_2_0_1: Final = 59
"""There the virtual CPU counts among them."""
REQUESTS: Final = 96
TIMEOUT_S: Final = 600


def test_all_are_served(tmp_path: Path) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    (tmp_path / "kernel").symlink_to(client.kernel)
    write_driver(driver, tmp_path / "driver")
    count = COUNT_2_0_1 if sdk_version() == "2.0.1" else COUNT
    names = [f"load{number:02}" for number in range(count)]
    clients = [CLIENT.format(name=name, more="", partition=number, capacity=8) for number, name in enumerate(names)]
    system = DRIVER.format(name="many", slot=LAST_SLOT, kernel="kernel")
    (tmp_path / "system.toml").write_text("".join([system, *clients, BLOCK]))
    Load(REQUESTS, "debug").build(tmp_path, names)
    expected = [word for name in names for word in ("--expect", f"{name}: all done")]
    options = ("--disk", "disk", "--disk-size", "1MiB", "--timeout", str(TIMEOUT_S))
    done = sdfgen("run", *options, *expected, cwd=tmp_path)
    (tmp_path / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "a request failed" not in done.stdout
    assert "other data" not in done.stdout
