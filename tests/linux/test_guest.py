"""`sdfgen guest`: what it makes boots as a client, and is what a driver VM needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.doctor.kernel_config import config_of
from sdfgen.doctor.kernel_needs import kernel_needs
from sdfgen.linux import guest
from sdfgen.linux.cache import UnavailableError
from tests.paths import BOARDS, EXAMPLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

BOOT_SECONDS: Final = 300
QEMU: Final = "qemu-system-aarch64"
MACHINE: Final = (QEMU, "-machine", "virt", "-cpu", "cortex-a53", "-m", "256M", "-nographic", "-no-reboot")
DISK: Final = ("-device", "virtio-blk-device,drive=disk", "-global", "virtio-mmio.force-legacy=false")
BOARD: Final = "qemu_virt_aarch64"
ODROID: Final = tomllib.loads((BOARDS / "odroidc4.toml").read_text())
MODULES: Final = tuple(ODROID["disk"]["modules"])
TREE: Final[str] = ODROID["guest"]["tree"]
# What `doctor` finds to be modules of Debian's kernel, and their files.
FILES_OF: Final = {
    "UIO": "uio.ko",
    "UIO_PDRV_GENIRQ": "uio_pdrv_genirq.ko",
    "MMC_MESON_GX": "meson_gx_mmc.ko",
    "REGULATOR_FIXED_VOLTAGE": "fixed.ko",
    "REGULATOR_GPIO": "gpio_regulator.ko",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guest") / "made"
    try:
        guest.debian_guest(str(folder), lambda _: None, guest.Wanted(MODULES, (TREE,)))
    except UnavailableError as reason:
        pytest.skip(str(reason))
    return folder


def test_it_is_whole_and_nothing_is_left_over(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == sorted((*guest.FILES, os.path.basename(TREE)))


def test_its_kernel_has_what_driver_and_client_need(made: Path, tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    for name in ("storage", "client1"):
        files = f'name = "{name}"\nkernel = "{made}/Image"\ninitrd = "{made}/initrd"\n'
        text = text.replace(f'name = "{name}"\n', files, 1)
    (tmp_path / "system.toml").write_text(text)
    described = describe(str(tmp_path / "system.toml"), (), (BOARD,))
    assert [fault for fault in described.faults if fault.severity != "note"] == []
    system = described.systems[BOARD]
    config = config_of(str(made / "Image"))
    assert config is not None
    for name in ("storage", "client1"):
        lacking = [
            need.option
            for need in kernel_needs(system, system.guest(name))
            if config.options.get(need.option) not in ({"y"} if need.built_in else {"y", "m"})
        ]
        assert lacking == []


@pytest.mark.parametrize(("device", "storage"), [("sd", "/dev/mmcblk0"), ("emmc", "/dev/mmcblk1")])
def test_on_the_odroid_its_ram_disk_has_every_module_that_is_needed(
    made: Path, tmp_path: Path, device: str, storage: str
) -> None:
    text = EXAMPLE.read_text().replace('"sd"', f'"{device}"').replace("/dev/mmcblk0", storage)
    tree = f'[board.odroidc4.guest.storage]\nkernel = "{made}/Image"\ndtb = "{made}/{os.path.basename(TREE)}"\n'
    (tmp_path / "system.toml").write_text(text.replace("[board.odroidc4.guest.storage]\n", tree))
    described = describe(str(tmp_path / "system.toml"), (), ("odroidc4",))
    assert [fault for fault in described.faults if fault.severity != "note"] == []
    system = described.systems["odroidc4"]
    config = config_of(str(made / "Image"))
    assert config is not None
    wanted = {need.option: config.options.get(need.option) for need in kernel_needs(system, system.guest("storage"))}
    assert set(wanted.values()) == {"y", "m"}
    modules = {FILES_OF[option] for option, value in wanted.items() if value == "m"}
    names = {name for name in FILES_OF.values() if f"modules/{name}\0".encode() in (made / "initrd").read_bytes()}
    assert "meson_gx_mmc.ko" in modules <= names


def test_its_ram_disk_has_consoles_of_virtio(made: Path) -> None:
    assert b"modules/virtio_console.ko\0" in (made / "initrd").read_bytes()


def test_it_boots_and_finds_its_disk(made: Path, tmp_path: Path) -> None:
    if shutil.which(QEMU) is None:
        pytest.skip(f"no {QEMU} here")
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(2**20))
    drive = ("-drive", f"file={disk},format=raw,if=none,id=disk")
    files = ("-kernel", made / "Image", "-initrd", made / "initrd", "-append", "console=ttyAMA0")
    words = (*MACHINE, *DISK, *drive, *files)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        timer = threading.Timer(BOOT_SECONDS, machine.kill)
        timer.start()
        said = ""
        for line in machine.stdout or ():
            said += line.decode(errors="replace")
            if "guest: disks:" in said:
                break
        machine.kill()
        timer.cancel()
    assert "guest: disks: vda" in said, said[-2000:]
    assert "could not be loaded" not in said


def test_without_packages_it_says_what_it_takes(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    environment = {**os.environ, "PATH": str(tmp_path / "bin"), "PYTHONPATH": str(ROOT)}
    environment["SDFGEN_CACHE"] = str(tmp_path / "cache")
    program = (sys.executable, "-m", "sdfgen", "guest", "debian")
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sdfgen: not installed: apt-get, apt-cache, dpkg-deb, tar; it takes Debian" in done.stderr
    assert not (tmp_path / "guest").exists()


def test_a_board_that_is_not_there_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/nowhere"}
    program = (sys.executable, "-m", "sdfgen", "guest", "debian", "--board", "odroid")
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("sdfgen: there is no board 'odroid' (did you mean `odroidc4`?): ")
