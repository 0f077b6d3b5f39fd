"""libuio and the UIO driver on a fake sysfs: what is found, what is refused, and with which words."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from .elf import patch_symbol
from .facts import DEVICES, ENTRIES, IO_BASES, PAGE, Entry, Map, page
from .fake_uio import FakeDevice, FakeLinux

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOBODY = 65534
AS_BUILT, SYSTEM, USAGE, NO_UIO, NO_DEVICE, MAP, NODE, BAD_PAGE, DIFFERENT = range(9)


def table(*numbers: int) -> str:
    """What the driver prints when block-uio0 and block-uio1 have these numbers."""
    addresses = {f"{symbol.removeprefix('io_base_')}": f"0x{base:x}" for symbol, base in IO_BASES.items()}
    lines = [f"{'map':20} {'device':12} {'where':10} {'gpa':18} {'size':12} io address"]
    for number, (name, maps) in zip(numbers, DEVICES.items(), strict=True):
        lines += [
            f"{m.name:20} {name:12} {f'uio{number}/map{i}':10} {f'0x{m.gpa:x}':18} {f'0x{m.size_bytes:x}':12} "
            + addresses.get(m.name, "-")
            for i, m in enumerate(maps)
        ]
    return "\n".join(lines) + "\n"


# What a kernel may show otherwise, without harm.


def test_lists_all_maps(linux: FakeLinux, patched_driver: str) -> None:
    done = linux.write().run([patched_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(0, 1), "", AS_BUILT)


def test_numbers_do_not_matter(linux: FakeLinux, patched_driver: str) -> None:
    linux.devices = {1: linux.devices[0], 0: linux.devices[1]}
    done = linux.write().run([patched_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(1, 0), "", AS_BUILT)


def test_other_devices_do_not_matter(linux: FakeLinux, patched_driver: str) -> None:
    other = FakeDevice("block-uio", [Map("notify", 0x9000000, PAGE)])
    linux.devices = {0: other, 3: other, 12: linux.devices[0], 7: linux.devices[1]}
    done = linux.write().run([patched_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(12, 7), "", AS_BUILT)


def test_other_files_of_the_class_do_not_matter(linux: FakeLinux, patched_driver: str) -> None:
    linux.write()
    for name in ("uio", "uio1.old", "uio-1", "uio99999999999999999999", "version"):
        os.mkdir(os.path.join(linux.sysfs, "class", "uio", name))
    done = linux.run([patched_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(0, 1), "", AS_BUILT)


def test_the_order_of_maps_in_a_device_does_not_matter(linux: FakeLinux, patched_driver: str) -> None:
    maps = linux.devices[0].maps
    maps.append(maps.pop(0))
    done = linux.write().run([patched_driver], "--list")
    assert (done.stderr, done.returncode) == ("", AS_BUILT)
    assert "phys_addr            block-uio0   uio0/map1" in done.stdout
    assert "irq_status           block-uio0   uio0/map4" in done.stdout


def test_names_may_have_their_unit_addresses(linux: FakeLinux, patched_driver: str) -> None:
    for device in linux.devices.values():
        device.name += f"@{device.maps[0].gpa:x}"
    done = linux.write().run([patched_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(0, 1), "", AS_BUILT)


def test_learned_addresses_need_no_patch(linux: FakeLinux, native_learned_driver: str) -> None:
    done = linux.write().run([native_learned_driver], "--list")
    assert (done.stdout, done.stderr, done.returncode) == (table(0, 1), "", AS_BUILT)


# One fault each.


def no_sysfs(linux: FakeLinux) -> None:
    shutil.rmtree(linux.sysfs)


def no_uio(linux: FakeLinux) -> None:
    shutil.rmtree(os.path.join(linux.sysfs, "class", "uio"))


def no_devices(linux: FakeLinux) -> None:
    no_uio(linux)
    os.mkdir(os.path.join(linux.sysfs, "class", "uio"))


def one_device(linux: FakeLinux) -> None:
    shutil.rmtree(os.path.join(linux.sysfs, "class", "uio", "uio1"))


def same_name(linux: FakeLinux) -> None:
    linux.attribute("uio1/name", "block-uio0\n")


def same_name_beside_its_address(linux: FakeLinux) -> None:
    linux.attribute("uio1/name", "block-uio0@80800000\n")


def longer_name(linux: FakeLinux) -> None:
    linux.attribute("uio1/name", "block-uio10\n")


def no_reg_names(linux: FakeLinux) -> None:
    for i in range(4):
        linux.attribute(f"uio1/maps/map{i}/name", "block-uio1@80800000\n")


def map_dropped(linux: FakeLinux) -> None:
    shutil.rmtree(os.path.join(linux.sysfs, "class", "uio", "uio1", "maps", "map3"))


def no_node(linux: FakeLinux) -> None:
    os.remove(os.path.join(linux.dev, "uio1"))


def node_is_a_folder(linux: FakeLinux) -> None:
    no_node(linux)
    os.mkdir(os.path.join(linux.dev, "uio1"))


def attribute(path: str, text: str | None) -> Callable[[FakeLinux], None]:
    return lambda linux: linux.attribute(path, text)


REBUILD = "the device tree and this program are of different builds"
BIND = (
    "check that this VM boots with the device tree of this build and that its kernel has CONFIG_UIO_PDRV_GENIRQ "
    "with uio_pdrv_genirq.of_id=generic-uio in the boot arguments "
    "(as a module: insmod uio_pdrv_genirq.ko of_id=generic-uio)"
)
FAULTS: dict[str, tuple[Callable[[FakeLinux], None], int, str]] = {
    "no_sysfs": (no_sysfs, NO_UIO, "sysfs is not mounted (mount -t sysfs sysfs /sys)"),
    "no_uio": (no_uio, NO_UIO, "the kernel has no UIO; build it with CONFIG_UIO and CONFIG_UIO_PDRV_GENIRQ"),
    "no_devices": (
        no_devices,
        NO_DEVICE,
        f"no UIO device is called 'block-uio0': {BIND}; here are: none\n",
    ),
    "one_device": (one_device, NO_DEVICE, "here are: uio0 'block-uio0'\n"),
    "same_name": (
        same_name,
        NO_DEVICE,
        f"are both called 'block-uio0': {REBUILD}\n",
    ),
    "same_name_beside_its_address": (
        same_name_beside_its_address,
        NO_DEVICE,
        f"are both called 'block-uio0': {REBUILD}\n",
    ),
    "longer_name": (longer_name, NO_DEVICE, "no UIO device is called 'block-uio1'"),
    "no_reg_names": (no_reg_names, MAP, "here are: map0 'block-uio1@80800000', map1 'block-uio1@80800000', "),
    "map_dropped": (
        map_dropped,
        MAP,
        (
            "uio1 'block-uio1' has no map called 'client2_0_data' (map3 in this build's device tree): "
            f"{REBUILD}; here are: map0 'response_queue', map1 'virt_data', map2 'client1_0_data'\n"
        ),
    ),
    "another_size": (
        attribute("uio0/maps/map3/size", "0x0000000000200000\n"),
        MAP,
        (f"map 'storage_info' (uio0 map3): its size is 0x0000000000200000, but 0x1000 in this program: {REBUILD}\n"),
    ),
    "another_address": (
        attribute("uio1/maps/map2/addr", "0x0000000080c01000\n"),
        MAP,
        "map 'client1_0_data' (uio1 map2): its addr is 0x0000000080c01000, but 0x80c00000 in this program",
    ),
    "not_page_aligned": (
        attribute("uio1/maps/map2/offset", "0x800\n"),
        MAP,
        "its offset is 0x800, but 0x0 in this program",
    ),
    "address_empty": (attribute("uio0/maps/map0/addr", "\n"), MAP, "its addr is , but 0x79800000"),
    "address_with_a_blank": (
        attribute("uio0/maps/map0/addr", "0x79800000 \n"),
        MAP,
        "its addr is 0x79800000 , but 0x79800000",
    ),
    "address_too_large": (
        attribute("uio0/maps/map0/addr", "0x1000000000079800000\n"),
        MAP,
        "its addr is 0x1000000000079800000",
    ),
    "no_size": (
        attribute("uio0/maps/map0/size", None),
        SYSTEM,
        "can't read size of uio0 in sysfs: No such file or directory",
    ),
    "no_name": (
        attribute("uio0/name", None),
        SYSTEM,
        "can't read the name of uio0 in sysfs: No such file or directory",
    ),
    "no_node": (
        no_node,
        NODE,
        "/uio1 is not there, though the kernel has the device 'block-uio1': mount devtmpfs on /dev",
    ),
    "node_is_a_folder": (node_is_a_folder, SYSTEM, "/uio1: Is a directory"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_refuses(linux: FakeLinux, patched_driver: str, name: str) -> None:
    spoil, code, words = FAULTS[name]
    spoil(linux.write())
    done = linux.run([patched_driver], "--list")
    assert done.stderr.startswith("uio_block_driver: ")
    assert words in done.stderr
    assert (done.stdout, done.returncode) == ("", code)


@pytest.fixture
def open_folder() -> Iterator[str]:
    """A folder that another user can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - another user is to see it
        yield folder


@pytest.mark.parametrize("forbidden", ["dev/uio0", "sys/class/uio/uio1/name", "sys/class/uio"])
def test_refuses_without_permission(open_folder: str, patched_driver: str, forbidden: str) -> None:
    linux = FakeLinux(os.path.join(open_folder, "linux")).write()
    driver = os.path.join(open_folder, "driver")
    shutil.copy(patched_driver, driver)
    for number in (0, 1):
        os.chmod(os.path.join(linux.dev, f"uio{number}"), 0o666)  # noqa: S103 - as above
    os.chmod(os.path.join(open_folder, "linux", forbidden), 0)
    done = linux.run([driver], "--list", user=NOBODY if os.geteuid() == 0 else None)
    os.chmod(os.path.join(open_folder, "linux", forbidden), 0o700)
    assert "Permission denied" in done.stderr
    assert ("run this program as root" in done.stderr) == forbidden.startswith("dev")
    assert (done.stdout, done.returncode) == ("", NODE)


def test_refuses_a_page_that_was_not_published(linux: FakeLinux, patched_driver: str) -> None:
    linux.page = bytes(PAGE)
    done = linux.write().run([patched_driver], "--list")
    assert done.stderr == (
        "uio_block_driver: phys-addr page, entry 0: the page has no magic: it was not published; the VMM fills it "
        "before it starts this VM: use the VMM of the same build\n"
    )
    assert (done.stdout, done.returncode) == ("", BAD_PAGE)


def test_refuses_a_page_with_an_unknown_map(linux: FakeLinux, patched_driver: str) -> None:
    linux.page = page(*ENTRIES[:2], dataclasses.replace(ENTRIES[2], map_index=9))
    done = linux.write().run([patched_driver], "--list")
    assert "entry 2: there is no map of that index" in done.stderr
    assert (done.stdout, done.returncode) == ("", BAD_PAGE)


def test_refuses_another_io_address(linux: FakeLinux, patched_driver: str) -> None:
    linux.page = page(ENTRIES[0], dataclasses.replace(ENTRIES[1], io_base=0x61000000), ENTRIES[2])
    done = linux.write().run([patched_driver], "--list")
    assert done.stderr == (
        "uio_block_driver: phys-addr entry 1 (client1_0_data): the io address differs\n"
        "  the page:     io address 0x61000000, 0x200000 bytes, map 7\n"
        "  this program: io address 0x60c00000, 0x200000 bytes, map 7\n"
        "  refusing to start: build, patch and install the driver VMM and this program together\n"
    )
    assert (done.stdout, done.returncode) == ("", DIFFERENT)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            (*ENTRIES[:2], dataclasses.replace(ENTRIES[2], size_bytes=PAGE)),
            "entry 2 (client2_0_data): the size differs",
        ),
        ((dataclasses.replace(ENTRIES[0], map_index=5), *ENTRIES[1:]), "entry 0 (virt_data): the map index differs"),
        (ENTRIES[:2], "entry 2 (client2_0_data): the number of entries differs"),
        ((*ENTRIES, dataclasses.replace(ENTRIES[0], io_base=0, map_index=0)), "entry 3 (unknown): the number of"),
    ],
)
def test_refuses_another_table(linux: FakeLinux, patched_driver: str, entries: tuple[Entry, ...], words: str) -> None:
    linux.page = page(*entries)
    done = linux.write().run([patched_driver], "--list")
    assert words in done.stderr
    assert (done.stdout, done.returncode) == ("", DIFFERENT)


def test_refuses_another_size_of_a_learned_region(linux: FakeLinux, native_learned_driver: str) -> None:
    linux.page = page(*ENTRIES[:2], dataclasses.replace(ENTRIES[2], size_bytes=PAGE))
    done = linux.write().run([native_learned_driver], "--list")
    assert "entry 2 (client2_0_data): the size differs" in done.stderr
    assert done.returncode == DIFFERENT


def test_refuses_to_run_unpatched(linux: FakeLinux, native_driver: str, tmp_path: Path) -> None:
    driver = str(tmp_path / "driver")
    shutil.copy(native_driver, driver)
    linux.write()
    for i, (symbol, value) in enumerate(IO_BASES.items()):
        done = linux.run([driver], "--list")
        assert f"phys-addr entry {i} (" in done.stderr
        assert "the io address was never patched into this program" in done.stderr
        assert done.returncode == DIFFERENT
        patch_symbol(driver, symbol, value)
    assert linux.run([driver], "--list").returncode == AS_BUILT


# The command line.


def test_help_names_every_exit_code(patched_driver: str) -> None:
    done = subprocess.run([patched_driver, "--help"], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "(default /dev/vda)" in done.stdout
    codes = [line.split()[0] for line in done.stdout.partition("exit codes:\n")[2].splitlines()]
    assert codes == [str(code) for code in range(11)]


@pytest.mark.parametrize("arguments", [["--lists"], ["--sysfs"], ["/dev/vda", "/dev/vdb"], ["-x"], ["--engine", "aio"]])
def test_a_wrong_command_line(patched_driver: str, arguments: list[str]) -> None:
    done = subprocess.run([patched_driver, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("try uio_block_driver --help\n")
    assert (done.stdout, done.returncode) == ("", USAGE)


def test_output_that_can_not_be_written_is_an_error(linux: FakeLinux, patched_driver: str) -> None:
    linux.write()
    command = [patched_driver, "--list", "--sysfs", linux.sysfs, "--dev", linux.dev]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "uio_block_driver: standard output: No space left on device\n"
    assert done.returncode == SYSTEM
