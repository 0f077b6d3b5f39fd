"""Examples on seL4 in QEMU: each as it stands, with the files brought that it leaves to its author."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from sdfgen.linux.cpio import Cpio
from sdfgen.spec.description import SystemTable
from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest
from tests.paths import ROOT

from .imported import write_imported
from .trial import BOARD, QEMU, SMP_CORES, needed, needed_config, needed_cpus, sdfgen, sdk_version, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

TIMEOUT_S: Final = 900
STAYS: Final = "while :; do sleep 1000; done\n"
UP: Final = 'echo "@@ cpus $(nproc)"\n'
# Reads back what it wrote from the disk, not from what it remembers.
USES_DISK: Final = """\
echo "by {name}" | dd of=/dev/vda conv=fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
echo "@@ found $(head -n 1 /dev/vda)"
"""
USES_THREE: Final = USES_DISK.replace("vda", "vdc") + 'echo "@@ read-only $(cat /sys/block/vdb/ro)"\n'
READS: Final = 'echo "@@ found $(head -n 1 /dev/vda)"\n'


class Example(NamedTuple):
    """What is brought to an example, and what is seen then.

    Attributes:
        drivers: Guests that serve a disk.
        clients: Scripts of the other guests.
        makes: Program images that its Makefile makes.
        fill: Partitions with what they begin with.
        steps: What is expected and typed, in order.
        imports: A script for the guest of a VMM that is its author's, on a disk of its own.
        cores: How many the machine has; several take an SMP kernel.
        cpus: The most that a guest has.
    """

    steps: tuple[tuple[str, str], ...]
    drivers: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()
    makes: tuple[str, ...] = ()
    fill: tuple[tuple[str, str], ...] = ()
    imports: str | None = None
    cores: int = 1
    cpus: int = 1


BOOTED: Final = {
    "lone-guest": Example(clients=(("linux", UP),), steps=(("expect", "linux:@@ cpus 1$"),)),
    "two-clients": Example(
        drivers=("storage",),
        clients=(("client1", USES_DISK), ("client2", USES_DISK)),
        steps=(("expect", "client1:@@ found by client1$"), ("expect", "client2:@@ found by client2$")),
    ),
    "native-client": Example(
        drivers=("storage",),
        makes=("reader.elf",),
        fill=(("reader", "left here by the host"),),
        steps=(("expect", "reader: its disk begins with: left here by the host"),),
    ),
    "greeter": Example(
        makes=("greeter.elf",),
        steps=(
            ("expect", r"greeter:who are you\? $"),
            ("send", r"greeter:Annn\x7f\r"),
            ("expect", "greeter:hello, Ann$"),
        ),
    ),
    "two-drivers": Example(
        drivers=("slow_storage", "fast_storage"),
        clients=(("client1", USES_THREE), ("client2", READS)),
        fill=(("client1_archive", "kept by the host"),),
        steps=(
            ("expect", "client1:@@ found by client1$"),
            ("expect", "client1:@@ read-only 1$"),
            ("expect", "client2:@@ found kept by the host"),
        ),
    ),
    "four-cores": Example(
        drivers=("storage",),
        clients=(("compute", USES_DISK + UP), ("control", USES_DISK)),
        steps=(
            ("expect", "compute:@@ found by compute$"),
            ("expect", "compute:@@ cpus 2$"),
            ("expect", "control:@@ found by control$"),
        ),
        cores=SMP_CORES,
        cpus=2,
    ),
    "imported-guest": Example(
        imports=USES_DISK.format(name="hand"),
        steps=(("expect", "@@ found by hand$"),),
    ),
}
NOT_BOOTED: Final = {
    "imported-disk": "takes drivers and VMMs that are told by setvar; those of sDDF and libvmm are not any more",
}
OWN_DISK: Final = (
    *("-drive", "file=disk,format=raw,if=none,id=own", "-device", "virtio-blk-device,drive=own"),
    *("-global", "virtio-mmio.force-legacy=false"),
)


def bring(example: Example, folder: Path) -> list[str]:
    """The files of guests, and what comes onto disks; the words that name them."""
    words = []
    for name, initrd in write_initrds(example, folder).items():
        words += ["--set", f'guest.{name}.kernel="kernel"', "--set", f'guest.{name}.initrd="{initrd}"']
    for name, content in example.fill:
        (folder / f"{name}.content").write_text(f"{content}\n")
        words += ["--fill", f"{name}={name}.content"]
    return words


def write_initrds(example: Example, folder: Path) -> dict[str, str]:
    """The initial RAM disk of each guest, beside the kernel that all have."""
    if not example.drivers and not example.clients:
        return {}
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    (folder / "kernel").symlink_to(client.kernel)
    for name in example.drivers:
        write_driver(driver, folder / f"{name}.initrd")
    for name, script in example.clients:
        write_initrd(client, str(folder / f"{name}.initrd"), archive_of(script.format(name=name)))
    return {name: f"{name}.initrd" for name in (*example.drivers, *dict(example.clients))}


def archive_of(script: str) -> Cpio:
    """What a guest's initial RAM disk has more: what it is to run."""
    extra = Cpio()
    extra.file("test/run", (script + STAYS).encode())
    return extra


def make(folder: Path, image: str) -> None:
    """Make a program image, for an SDK whose version the description has to say: Makefiles pass no `--set` on."""
    description = folder / "system.toml"
    if SystemTable.keys["microkit"].default != sdk_version():
        text = description.read_text()
        description.write_text(text.replace("[system]\n", f'[system]\nmicrokit = "{sdk_version()}"\n'))
    python = (f"PYTHON={sys.executable}", f"SDFGEN={sys.executable} -m sdfgen")
    subprocess.run(("make", *python, image), cwd=folder, check=True)


@pytest.mark.parametrize("name", BOOTED)
def test_an_example_boots(name: str, tmp_path: Path) -> None:
    example = BOOTED[name]
    needed(lambda: None, QEMU)
    needed_cpus(example.cpus)
    if example.cores > 1:
        needed_config("smp-debug", example.cores)
    folder = tmp_path / name
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("build", "*.elf", "*.o"))
    for image in example.makes:
        make(folder, image)
    if example.imports is not None:
        write_imported(folder, archive_of(example.imports))
    steps = [word for kind, text in example.steps for word in (f"--{kind}", text)]
    options = ("--board", BOARD, "--timeout", str(TIMEOUT_S))
    qemu = () if example.imports is None else ("--", *OWN_DISK)
    done = sdfgen("run", *options, *bring(example, folder), *steps, *qemu, cwd=folder)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_every_example_is_booted_or_it_is_said_why_not() -> None:
    names = {path.name for path in ROOT.glob("examples/*") if path.is_dir()}
    assert names == BOOTED.keys() | NOT_BOOTED.keys()
    assert not BOOTED.keys() & NOT_BOOTED.keys()
