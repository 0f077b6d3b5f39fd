"""`sdfgen guest`: what it makes boots as a client, and is what a driver VM needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.doctor.kernel_config import config_of
from sdfgen.doctor.kernel_needs import kernel_needs
from sdfgen.linux import guest
from sdfgen.linux.cache import UnavailableError
from tests.paths import EXAMPLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

BOOT_SECONDS: Final = 300
QEMU: Final = "qemu-system-aarch64"
MACHINE: Final = (QEMU, "-machine", "virt", "-cpu", "cortex-a53", "-m", "256M", "-nographic", "-no-reboot")
DISK: Final = ("-device", "virtio-blk-device,drive=disk", "-global", "virtio-mmio.force-legacy=false")
BOARD: Final = "qemu_virt_aarch64"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guest") / "made"
    try:
        guest.debian_guest(str(folder), lambda _: None)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    return folder


def test_it_is_whole_and_nothing_is_left_over(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == sorted(guest.FILES)


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
