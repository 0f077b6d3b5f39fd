"""What all tests here need: SDK, libvmm and guests, or a skip that says why; `sdfgen` run as its users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from sdfgen.linux.cache import UnavailableError, need_programs
from sdfgen.linux.cpio import Cpio
from sdfgen.run.turns import host_core_count, is_fair
from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sdfgen.linux.guest import Guest

QEMU: Final = "qemu-system-aarch64"
BOARD: Final = "qemu_virt_aarch64"
SMP_CORES: Final = 4
"""What the SDK's SMP kernels are made for."""
SCRIPTS: Final = Path(__file__).parent / "scripts"
EXAMPLE: Final = SCRIPTS.parents[2] / "examples" / "two-clients" / "system.toml"
VARIABLES: Final = ("MICROKIT_SDK", "LIBVMM")
CONFIG: Final = "SDFGEN_CONFIG"
"""The variable with a configuration for systems whose test chooses none: `smp-debug` takes them to four cores."""

DRIVER: Final = """
[system]
name = "{name}"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "storage"
devices = ["virtio_mmio{slot}"]
kernel = "{kernel}"
initrd = "driver"
"""
CLIENT: Final = """
[[guest]]
name = "{name}"
kernel = "{kernel}"
initrd = "{name}"
{more}
"""
BLOCK: Final = """
[block]
driver = "storage"
storage = "/dev/vda"
"""
LAST_SLOT: Final = 31

Made = TypeVar("Made")


def needed(make: Callable[[], Made], *programs: str) -> Made:
    """What `make` makes, where the SDK, libvmm and the programs are there as well."""
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        pytest.skip(f"not set: {', '.join(missing)}")
    try:
        need_programs(*programs)
        return make()
    except UnavailableError as reason:
        pytest.skip(str(reason))


def needed_cpus(cpus: int) -> None:
    """Go on where the SDK's tool packs guests with so many virtual CPUs.

    Of 2.0.1 it takes TCBs by the machine's number plus the vCPU's: behind a machine of several it fails at boot (seen).
    """
    if cpus > 1 and sdk_version() == "2.0.1":
        pytest.skip("the tool of Microkit 2.0.1 starts no machine behind one with several virtual CPUs")


def needed_config(config: str, cores: int) -> None:
    """Go on where the SDK has a configuration, and this machine runs that many cores."""
    if not Path(os.environ["MICROKIT_SDK"], "board", BOARD, config).is_dir():
        pytest.skip(f"the SDK has no configuration {config}")
    if cores > host_core_count() and not is_fair():
        pytest.skip(f"{host_core_count()} cores and QEMU older than 8.1 don't run {cores} cores (docs/run.md)")


SERVE: Final = b"exec /etc/sdfgen/start-driver\n"


def write_driver(guest: Guest, path: Path, run: bytes = SERVE) -> None:
    """The initial RAM disk of a driver VM that serves its disk, or does more."""
    extra = Cpio()
    extra.file("test/run", run)
    write_initrd(guest, str(path), extra)


def write_description(folder: Path, kernel: str, clients: Mapping[str, str], slot: int = LAST_SLOT) -> None:
    """A system of the driver VM and these clients, each with its partition and what else it is to have."""
    kernel = os.path.relpath(kernel, folder)
    tables = [CLIENT.format(name=name, kernel=kernel, more=more) for name, more in clients.items()]
    text = DRIVER.format(name=folder.name.replace("-", "_"), slot=slot, kernel=kernel)
    (folder / "system.toml").write_text("".join([text, *tables, BLOCK]))


def script_archive(script: str, files: Mapping[str, bytes]) -> Cpio:
    """What a client's initial RAM disk has more: a script, what scripts begin with, and files that it reads."""
    extra = Cpio()
    extra.copy("test/run", str(SCRIPTS / script))
    extra.copy("test/common", str(SCRIPTS / "common.sh"))
    for name, content in files.items():
        extra.file(f"test/{name}", content)
    return extra


def write_example(folder: Path, runs: Mapping[str, Cpio], driver_run: bytes = SERVE) -> list[str]:
    """The example and its guests, each client with what its RAM disk has more; the words that bring them together."""
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    shutil.copy(EXAMPLE, folder)
    (folder / "kernel").symlink_to(client.kernel)
    write_driver(driver, folder / "driver", driver_run)
    for name, extra in runs.items():
        write_initrd(client, str(folder / name), extra)
    initrds = {"storage": "driver", **{name: name for name in runs}}
    settings = {
        f"guest.{guest}.{key}": value
        for guest, initrd in initrds.items()
        for key, value in (("kernel", "kernel"), ("initrd", initrd))
    }
    return [word for key, value in settings.items() for word in ("--set", f'{key}="{value}"')]


def sdk_version() -> str:
    """The version of the SDK that the tests are run with."""
    return Path(os.environ["MICROKIT_SDK"], "VERSION").read_text().strip()


def sdfgen_words(command: str, *arguments: str) -> list[str]:
    """A command line for the description `system.toml`, in the SDK's version and the configuration asked for."""
    settings = [f'system.microkit="{sdk_version()}"']
    if config := os.environ.get(CONFIG):
        settings.append(f'system.config="{config}"')
    words = [word for text in settings for word in ("--set", text)]
    return [sys.executable, "-m", "sdfgen", command, "system.toml", *words, *arguments]


def sdfgen(command: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `sdfgen` on the description of a folder."""
    return subprocess.run(sdfgen_words(command, *arguments), cwd=cwd, capture_output=True, text=True, check=False)
