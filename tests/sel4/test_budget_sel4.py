"""On seL4, guests that use their budgets up wait for the next period, and the kernel goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.guests import driver_guest

from .trial import QEMU, needed, sdfgen, sdk_version, write_description, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

BUDGET_US, PERIOD_US = 2000, 10_000
CLIENTS: Final = {
    "client1": f"disk = [{{ partition = 0 }}]\nbudget = {BUDGET_US}\nperiod = {PERIOD_US}",
    "client2": f"disk = [{{ partition = 1 }}]\nbudget = {BUDGET_US}\nperiod = {PERIOD_US}",
}
HALTS: Final = {"2.0.1": "the kernel of 2.0.1 halts (SDF105)"}
TIMEOUT_S: Final = 900
# Counts for some seconds by its own clock, while the other does, and says how much of the time it was given.
CLIENT: Final = """\
idle() {{ cut -d. -f1 /proc/uptime; }}
end=$(($(idle) + 10))
rounds=0
while [ "$(idle)" -lt $end ]; do rounds=$((rounds + 1)); done
echo "@@ rounds $rounds"
printf %s {name} | dd of=/dev/vda bs=1M seek=1 conv=fsync && echo "@@ written"
while :; do sleep 1000; done
"""


def test_guests_that_use_their_budgets_up_go_on(tmp_path: Path) -> None:
    guest = needed(driver_guest, QEMU)
    if (reason := HALTS.get(sdk_version())) is not None:
        pytest.skip(reason)
    write_description(tmp_path, guest.kernel, CLIENTS)
    write_driver(guest, tmp_path / "driver")
    for name in CLIENTS:
        extra = Cpio()
        extra.file("test/run", CLIENT.format(name=name).encode())
        write_initrd(guest, str(tmp_path / name), extra)
    expected = [word for name in CLIENTS for word in ("--expect", f"{name}:@@ written")]
    done = sdfgen("run", "--timeout", str(TIMEOUT_S), "--disk", "disk", *expected, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert len(re.findall(r"@@ rounds [1-9]", done.stdout)) == len(CLIENTS)
