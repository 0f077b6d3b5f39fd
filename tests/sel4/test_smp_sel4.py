"""On seL4, guests with several CPUs, on several cores or on one: each works, goes and comes, and outlives a reset."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest

from .trial import (
    QEMU,
    SMP_CORES,
    needed,
    needed_config,
    needed_cpus,
    script_archive,
    sdfgen,
    write_description,
    write_driver,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

GUEST: Final = "many"
BOOTS: Final = 3
TIMEOUT_S: Final = 3600
SAID: Final = re.compile(rf"^{GUEST}\| @@ (\S+) ?(.*)$", re.MULTILINE)


class Place(NamedTuple):
    """A kernel's configuration, how many CPUs the guest has, and what the description says of cores."""

    config: str
    cpus: int
    core: str | None
    settings: tuple[str, ...] = ()


PLACES: Final = {
    "a core for each of four": Place("smp-debug", 4, "[0, 1, 2, 3]"),
    "two on a core that others have too": Place("smp-debug", 2, "[1, 1]", ("guest.storage.core=1",)),
    "two on the only core": Place("debug", 2, None),
}


def write_project(folder: Path, place: Place) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    needed_cpus(place.cpus)
    needed_config(place.config, SMP_CORES if place.core else 1)
    cores = f"core = {place.core}\n" if place.core else ""
    more = f'disk = [{{ partition = 0 }}]\nbootargs = "quiet"\ncpus = {place.cpus}\n{cores}'
    write_description(folder, client.kernel, {GUEST: more})
    write_driver(driver, folder / "driver")
    write_initrd(client, str(folder / GUEST), script_archive("smp.sh", {"slots": b"4\n"}))


class Seen(NamedTuple):
    """The console of a guest with so many CPUs."""

    console: str
    cpus: int

    def said(self, name: str) -> list[str]:
        """What the guest told under a name, boot after boot."""
        return [value for said, value in SAID.findall(self.console) if said == name]

    @property
    def all(self) -> list[str]:
        """The CPUs, as often as the guest boots."""
        return [str(cpu) for cpu in range(self.cpus)] * BOOTS


@pytest.fixture(scope="module", params=PLACES)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    place = PLACES[request.param]
    folder = tmp_path_factory.mktemp("smp")
    write_project(folder, place)
    settings = (f'system.config="{place.config}"', *place.settings)
    done = sdfgen(
        "run",
        *("--disk", "disk", "--disk-size", "8MiB", "--timeout", str(TIMEOUT_S), "--expect", f"{GUEST}:@@ stays"),
        *(word for setting in settings for word in ("--set", setting)),
        cwd=folder,
    )
    (folder / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return Seen(done.stdout, place.cpus)


def online(cpus: int, without: int | None = None) -> str:
    """The list of CPUs as Linux writes it."""
    there = [cpu for cpu in range(cpus) if cpu != without]
    runs: list[list[int]] = []
    for cpu in there:
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@pytest.mark.parametrize(
    ("cpus", "without", "expected"), [(4, None, "0-3"), (4, 0, "1-3"), (4, 1, "0,2-3"), (4, 3, "0-2"), (2, 1, "0")]
)
def test_cpus_are_listed_as_linux_lists_them(cpus: int, without: int | None, expected: str) -> None:
    assert online(cpus, without) == expected


def test_the_guest_boots_with_all_its_cpus_as_often_as_it_resets_itself(seen: Seen) -> None:
    assert seen.said("boots") == [str(number + 1) for number in range(BOOTS)]
    assert seen.said("cpus") == [online(seen.cpus)] * BOOTS
    assert seen.console.count(f"{GUEST}_vmm: the guest starts again") == BOOTS - 1


def test_each_cpu_works_and_its_timer_fires(seen: Seen) -> None:
    assert seen.said("runs") == seen.all
    assert seen.said("fires") == seen.all


def test_each_cpu_goes_and_comes(seen: Seen) -> None:
    gone = [f"{cpu} {online(seen.cpus, cpu)}" for cpu in range(seen.cpus)] * BOOTS
    assert seen.said("without") == gone
    assert seen.said("with") == [f"{cpu} {online(seen.cpus)}" for cpu in range(seen.cpus)] * BOOTS


def test_the_disk_serves_each_cpu_and_is_served_without_each(seen: Seen) -> None:
    assert seen.said("reads") == ["0"] * len(seen.all) * 2
