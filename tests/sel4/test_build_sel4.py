"""`sdfgen build` and `verify` with a real Microkit SDK and libvmm: images for both boards, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sdfgen.image.placed import read_placed
from sdfgen.linux.cache import made
from sdfgen.linux.debian import Archive
from tests.guest.guests import driver_guest

from .trial import needed, sdfgen, sdk_version

pytestmark = pytest.mark.sel4

QEMU, ODROID = "qemu_virt_aarch64", "odroidc4"
ODROID_TREE = "amlogic/meson-sm1-odroid-c4.dtb"
DESCRIPTION = """\
[system]
name = "built"
boards = ["qemu_virt_aarch64", "odroidc4"]
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
kernel = "kernel"
initrd = "initrd"
[[guest]]
name = "client1"
kernel = "kernel"
initrd = "initrd"
disk = [{{ partition = 0 }}]
[[guest]]
name = "client2"
kernel = "kernel"
disk = [{{ partition = 1 }}]
[block]
driver = "storage"
storage = "/dev/vda"
physical_addresses = "{mode}"
[board.odroidc4.guest.storage]
ram = "96 MiB"
devices = ["sd", "bus1", "bus2_low", "bus2_high", "bus3"]
dtb = "board.dtb"
[board.odroidc4.block]
storage = "/dev/mmcblk0"
"""
DATA = ("block_virt_data", "block_client1_0_data", "block_client2_0_data")


def odroid_tree() -> str:
    """Linux's own device tree of the board, from Debian's kernel package."""
    archive = Archive("arm64")
    kernel = archive.depends("linux-image-arm64")

    def make(folder: str) -> None:
        archive.unpack(os.path.join(folder, "root"), kernel)
        (found,) = Path(folder).rglob(ODROID_TREE)
        found.rename(Path(folder, "board.dtb"))
        subprocess.run(["rm", "-r", os.path.join(folder, "root")], check=True)

    return os.path.join(made(f"odroid-tree-{archive.versions(kernel)[0]}", make), "board.dtb")


def project(folder: Path, mode: str = "assigned", more: str = "") -> Path:
    guest, tree = needed(lambda: (driver_guest(), odroid_tree()))
    for name, target in (("kernel", guest.kernel), ("initrd", guest.initrd), ("board.dtb", tree)):
        (folder / name).symlink_to(target)
    (folder / "system.toml").write_text(DESCRIPTION.format(mode=mode) + more)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both boards, built once for all tests that only look."""
    folder = project(tmp_path_factory.mktemp("built"))
    done = sdfgen("build", "-q", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.parametrize("board", [QEMU, ODROID])
def test_the_tool_accepts_the_image(built: Path, board: str) -> None:
    image = built / "build" / board / "loader.img"
    assert image.stat().st_size > 3 * (built / "kernel").stat().st_size, "three guests have a kernel each"


def test_all_that_was_built_agrees(built: Path) -> None:
    done = sdfgen("verify", cwd=built)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("the files in 3 linked guests") == 2
    assert "form" not in done.stdout
    assert done.stdout.count(" regions and ") == 2


@pytest.mark.parametrize("board", [QEMU, ODROID])
def test_the_manifest_names_image_sdk_and_patches(built: Path, board: str) -> None:
    manifest = json.loads((built / "build" / board / "manifest.json").read_text())
    assert "loader.img" in {entry["file"] for entry in manifest["outputs"]}
    assert {"MICROKIT_SDK/bin/microkit", "LIBVMM/libvmm.a"} <= {entry["file"] for entry in manifest["inputs"]}
    assert {patch["state"] for patch in manifest["patches"]} == {"done"}
    patched = {patch["elf"] for patch in manifest["patches"]}
    assert patched == {"block_uio_driver.elf", "block_virt.elf", "storage_vmm.elf"}


def test_the_image_is_the_same_in_another_folder(built: Path, tmp_path: Path) -> None:
    other = project(tmp_path)
    assert sdfgen("build", "-q", "--board", QEMU, cwd=other).returncode == 0
    images = [folder / "build" / QEMU / "loader.img" for folder in (built, other)]
    assert images[0].read_bytes() == images[1].read_bytes()


def test_a_new_kernel_is_in_the_next_image(tmp_path: Path) -> None:
    folder = project(tmp_path)
    kernel = bytearray((folder / "kernel").read_bytes())
    assert sdfgen("build", "-q", "--board", QEMU, cwd=folder).returncode == 0
    mark = b"this kernel is another one"
    kernel[-len(mark) :] = mark
    (folder / "kernel").unlink()
    (folder / "kernel").write_bytes(kernel)
    assert sdfgen("build", "-q", "--board", QEMU, cwd=folder).returncode == 0
    assert (folder / "build" / QEMU / "loader.img").read_bytes().count(mark) == 3


def test_learned_addresses_are_patched_and_nothing_moves(tmp_path: Path) -> None:
    patch = (
        '[[patch]]\nelf = "block_virt.elf"\nsymbol = "io_base_virt_data"\nvalue = "phys_addr(\'block_virt_data\')"\n'
    )
    folder = project(tmp_path, mode="learned", more=patch)
    done = sdfgen("build", "-q", "--board", QEMU, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    extents = read_placed(str(folder / "build" / QEMU)).extents().regions
    assert all(extents[name].contiguous for name in DATA)
    manifest = json.loads((folder / "build" / QEMU / "manifest.json").read_text())
    (record,) = manifest["patches"]
    assert int(record["new"], 0) == extents["block_virt_data"].address
    assert sdfgen("verify", "--board", QEMU, cwd=folder).returncode == 0


EXTRA = """
[[memory_region]]
name = "extra"
size = "4 KiB"
{where}
[[map]]
pd = "client2_vmm"
mr = "extra"
vaddr = {at}
"""
OLD_REFUSAL = "assertion failed"
REFUSAL = (
    "object 'frame_mr_extra_000000000', with paddr 0x000060420000..0x000060421000 is not in any valid memory region"
)
REFUSED = [
    (
        EXTRA.format(where="", at="0x180_0000"),
        "SDF102",
        "`extra` at 0x1800000..0x1801000 in `client2_vmm` lies over",
        "vaddr",
    ),
    (
        '[[setvar]]\npd = "client1_vmm"\nsymbol = "no_such"\nregion_paddr = "client1_ram"\n',
        "SDF102",
        "program image 'client1_vmm.elf' of `client1_vmm` has no symbol `no_such`",
        "symbol",
    ),
    (
        EXTRA.format(where="phys_addr = 0x6042_0000\n", at="0x7000_0000"),
        "SDF103",
        "the Microkit tool says: {refusal}",
        "phys_addr",
    ),
]


@pytest.mark.parametrize(("more", "code", "words", "key"), REFUSED, ids=["map", "setvar", "tool"])
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, more: str, code: str, words: str, key: str) -> None:
    folder = project(tmp_path, more=more)
    done = sdfgen("build", "-q", "--board", QEMU, cwd=folder)
    assert done.returncode == 1
    first, shown, *_ = done.stderr.splitlines()
    words = words.format(refusal=OLD_REFUSAL if sdk_version().startswith("2.0.") else REFUSAL)
    assert f"error[{code}]: {words}" in first
    assert f"{key} = " in shown
    assert not (folder / "build" / QEMU).exists()
