"""The driver VM: a generated device tree, a guest booted with it unchanged, and the part of the VMM around it.

QEMU would edit a device tree that it is given (-dtb). So the guest's RAM is a file into which kernel, initial ramdisk
and tree are written before QEMU starts, and the processor starts in a stub of five instructions that does what a boot
loader does. The regions that UIO maps are RAM that the tree does not mention.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
import socket
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

import fdt
from lxml import etree

from sdfgen.linux.cpio import Cpio
from tests.native.facts import Entry, page
from tests.sddf_queue import Queues

from .client_vm import HERE, write_initrd
from .machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from sdfgen.linux.guest import Guest

BOARD: Final = "qemu_virt_aarch64"
EXAMPLE: Final = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples", "two-clients", "system.toml")
QUEUE_CAPACITY: Final = 2048
RAM: Final = 0x40000000
RAM_BYTES: Final = 0x80000000
# QEMU leaves a tree of its own, up to 1 MiB, at the start of RAM.
KERNEL: Final = RAM + 0x200000
# Behind all that the guest is told of.
STUB: Final = RAM + 0x60000000
# ldr x0, #24; ldr x4, #28; mov x1, xzr; mov x2, xzr; br x4 -- then the two addresses.
STUB_CODE: Final = struct.Struct("<5I4xQQ")
STUB_WORDS: Final = (0x580000C0, 0x580000E4, 0xAA1F03E1, 0xAA1F03E2, 0xD61F0080)
# Sets an interrupt pending, once, as a VMM injects it (GICv2, GICD_ISPENDR<n>).
GICD_ISPENDR: Final = 0x08000200
FIRST_SPI: Final = 32
# The driver's ways to do I/O, as the guest's script tries them.
ENGINES: Final = ("io_uring", "threads")
ANOTHER_BUILD: Final = 0x1000
# Far more than it takes: other programs may keep the machine busy.
BOOT_SECONDS: Final = 300
# Offset of `ready` in struct sddf_blk_storage_info, and of capacity_blocks.
INFO_READY: Final = 65
INFO_CAPACITY: Final = 80


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """A map of the driver VM."""

    name: str
    gpa: int
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class DriverSystem:
    """A build of the example, as far as the driver VM has to do with it."""

    kernel: str
    initrd: str
    folder: str
    maps: dict[str, Region]
    io_bases: dict[str, int]
    intid: int
    initrd_gpa: int
    dtb_gpa: int

    @property
    def tree(self) -> str:
        return os.path.join(self.folder, "dtb", "storage.dtb")


def build(output: str, *options: str) -> str:
    """Builds the example with a console for the driver VM; the folder of what was built."""
    settings = (
        "--set=guest.storage.devices=['virtio_mmio31', 'uart']",
        "--set=guest.storage.bootargs='quiet loglevel=1 panic=-1'",
    )
    command = [sys.executable, "-m", "sdfgen", "build", EXAMPLE, "--board", BOARD, "--out", output]
    subprocess.run([*command, *settings, *options], check=True)
    return os.path.join(output, BOARD)


def driver_elf(folder: str) -> str:
    """The patched driver of a build."""
    return os.path.join(folder, "elf", "block_uio_driver.elf")


def read_system(guest: Guest, folder: str, initrd: str) -> DriverSystem:
    """What a build decided, read from what it wrote."""
    with open(os.path.join(folder, "dtb", "storage.dtb"), "rb") as file:
        tree = fdt.parse_dtb(file.read())
    nodes = [node for node in tree.root.nodes if node.name.startswith("block-uio")]
    interrupts = [node.get_property("interrupts").data for node in nodes if node.exist_property("interrupts")]
    regions = etree.parse(os.path.join(folder, "two-clients.system")).iter("memory_region")
    addresses = {region.get("name"): int(region.get("phys_addr"), 0) for region in regions if region.get("phys_addr")}
    chosen = {prop.name: prop.data for prop in tree.get_node("chosen").props}
    maps = {region.name: region for node in nodes for region in _regions(node)}
    start = chosen["linux,initrd-start"]
    return DriverSystem(
        kernel=guest.kernel,
        initrd=initrd,
        folder=folder,
        maps=maps,
        io_bases={name: addresses["block_" + name] for name in maps if name.endswith("_data")},
        intid=FIRST_SPI + interrupts[0][1],
        initrd_gpa=start[0] << 32 | start[1],
        dtb_gpa=_dtb_gpa(folder),
    )


def _regions(node: Any) -> list[Region]:  # noqa: ANN401
    cells = node.get_property("reg").data
    names = node.get_property("reg-names").data
    values = [high << 32 | low for high, low in zip(cells[::2], cells[1::2], strict=True)]
    return [Region(*entry) for entry in zip(names, values[::2], values[1::2], strict=True)]


def _dtb_gpa(folder: str) -> int:
    with open(os.path.join(folder, "src", "storage_vmm_table.c"), encoding="utf-8") as file:
        line = next(line for line in file if ".dtb_gpa" in line)
    return int(line.split("=")[1].strip(" ,\n"), 0)


def driver_initrd(guest: Guest, path: str, driver: str) -> str:
    """The guest's initial ramdisk with the driver and its script in it."""
    extra = Cpio()
    extra.copy("uio_block_driver", driver)
    extra.copy("test/run", os.path.join(HERE, "scripts", "driver.sh"))
    return write_initrd(guest, path, extra)


class DriverVm:
    """The guest's memory, seen from outside, and the lines into it."""

    def __init__(self, system: DriverSystem, folder: str, disk: str) -> None:
        self.system = system
        self.ram = os.path.join(folder, "ram")
        self.qtest = os.path.join(folder, "qtest")
        with open(self.ram, "wb") as file:
            file.truncate(RAM_BYTES)
        with open(self.ram, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), RAM_BYTES)
        files = ((system.kernel, KERNEL), (system.initrd, system.initrd_gpa), (system.tree, system.dtb_gpa))
        for path, gpa in files:
            self._load(path, gpa)
        self.write(STUB, STUB_CODE.pack(*STUB_WORDS, system.dtb_gpa, KERNEL))
        self.queues = Queues(self._view("request_queue"), self._view("response_queue"), QUEUE_CAPACITY)
        self._line = socket.socket(socket.AF_UNIX)
        self.machine = Machine(self._command(disk), os.path.join(folder, "console.log"), [self.ram])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.machine.close()
        self._line.close()
        self.queues.release()
        self.memory.close()

    def start(self) -> None:
        """Boots, shows the driver another build's addresses, then its own, and has it serve by the first engine."""
        self.publish_addresses(shift=ANOTHER_BUILD)
        self.machine.wait_for("publish", BOOT_SECONDS)
        self.publish_addresses()
        self.machine.answer("go")
        self.machine.wait_for("started-" + ENGINES[0], BOOT_SECONDS)
        wait_until(lambda: self.ready, BOOT_SECONDS)

    def connect(self) -> None:
        """Interrupts come from this process. QEMU takes one such line only."""
        self._line.connect(self.qtest)

    def _command(self, disk: str) -> list[str]:
        return [
            "qemu-system-aarch64",
            *("-machine", "virt,virtualization=on,secure=off,memory-backend=ram", "-cpu", "cortex-a53", "-m", "2G"),
            *("-object", f"memory-backend-file,id=ram,size={RAM_BYTES},mem-path={self.ram},share=on"),
            *("-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"),
            *("-device", f"loader,addr={STUB:#x},cpu-num=0"),
            *("-drive", f"file={disk},format=raw,if=none,id=drive0"),
            *("-device", "virtio-blk-device,drive=drive0,num-queues=1"),
            *("-qtest", f"unix:{self.qtest},server=on,wait=off", "-qtest-log", "none"),
        ]

    def _load(self, path: str, gpa: int) -> None:
        with open(path, "rb") as file:
            self.write(gpa, file.read())

    def offset(self, name: str) -> int:
        """Where a map begins in the memory."""
        return self.system.maps[name].gpa - RAM

    def _view(self, name: str) -> memoryview:
        start = self.offset(name)
        return memoryview(self.memory)[start : start + self.system.maps[name].size_bytes]

    def write(self, gpa: int, data: bytes) -> None:
        self.memory[gpa - RAM : gpa - RAM + len(data)] = data

    def read(self, gpa: int, size_bytes: int) -> bytes:
        return self.memory[gpa - RAM : gpa - RAM + size_bytes]

    def publish_addresses(self, shift: int = 0) -> None:
        """Fills the phys-addr page as the driver VMM does; `shift` makes it another build's."""
        names = list(self.system.maps)
        entries = [
            Entry(base + shift, self.system.maps[name].size_bytes, names.index(name))
            for name, base in self.system.io_bases.items()
        ]
        self.write(self.system.maps["phys_addr"].gpa, page(*entries))

    def interrupt(self) -> None:
        """What the virtualiser's notification becomes."""
        register = GICD_ISPENDR + self.system.intid // 32 * 4
        self._line.sendall(f"writel {register:#x} {1 << self.system.intid % 32:#x}\n".encode())
        answer = self._line.recv(4096)
        assert answer.startswith(b"OK"), answer

    @property
    def ready(self) -> bool:
        return self.memory[self.offset("storage_info") + INFO_READY] == 1

    @property
    def notifications(self) -> int:
        start = self.offset("notify")
        return int.from_bytes(self.memory[start : start + 4], "little")

    @property
    def capacity_blocks(self) -> int:
        start = self.offset("storage_info") + INFO_CAPACITY
        return int.from_bytes(self.memory[start : start + 8], "little")


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Polls; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
