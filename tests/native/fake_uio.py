"""A sysfs and a /dev made of plain files, as Linux would show the driver VM's UIO devices."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from typing import TYPE_CHECKING

from .facts import DEVICES, ENTRIES, PAGE, Map, page

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclasses.dataclass(slots=True)
class FakeDevice:
    """One uioN. Map M of its node file lies at M pages: where libuio maps it."""

    name: str
    maps: list[Map]

    def write(self, sysfs: str, dev: str, number: int) -> None:
        folder = os.path.join(sysfs, "class", "uio", f"uio{number}")
        os.makedirs(folder)
        _write(os.path.join(folder, "name"), self.name + "\n")
        for index, entry in enumerate(self.maps):
            self._write_map(os.path.join(folder, "maps", f"map{index}"), entry)
        with open(os.path.join(dev, f"uio{number}"), "wb") as node:
            node.truncate(max((i * PAGE + m.size_bytes for i, m in enumerate(self.maps)), default=0))

    def _write_map(self, folder: str, entry: Map) -> None:
        os.makedirs(folder)
        _write(os.path.join(folder, "name"), entry.name + "\n")
        _write(os.path.join(folder, "addr"), f"0x{entry.gpa:016x}\n")
        _write(os.path.join(folder, "size"), f"0x{entry.size_bytes:016x}\n")
        _write(os.path.join(folder, "offset"), "0x0\n")


class FakeLinux:
    """The two-client driver VM's devices under one folder, to be changed, written and then spoilt."""

    def __init__(self, folder: str) -> None:
        self.sysfs = os.path.join(folder, "sys")
        self.dev = os.path.join(folder, "dev")
        self.devices = {n: FakeDevice(name, list(maps)) for n, (name, maps) in enumerate(DEVICES.items())}
        self.page = page(*ENTRIES)

    def write(self) -> FakeLinux:
        os.makedirs(os.path.join(self.sysfs, "class", "uio"))
        os.makedirs(self.dev)
        for number, device in self.devices.items():
            device.write(self.sysfs, self.dev, number)
            for index, entry in enumerate(device.maps):
                if entry.name == "phys_addr":
                    self._write_page(number, index)
        return self

    def _write_page(self, number: int, index: int) -> None:
        with open(os.path.join(self.dev, f"uio{number}"), "r+b") as node:
            node.seek(index * PAGE)
            node.write(self.page)

    def write_maps(self) -> dict[str, str]:
        """Gives each map a file of its own, for a driver linked with uio_device_wrap.c; their paths by name."""
        self.write()
        paths = {}
        for number, device in self.devices.items():
            for index, entry in enumerate(device.maps):
                paths[entry.name] = path = os.path.join(self.dev, f"uio{number}.map{index}")
                with open(path, "wb") as file:
                    file.write(self.page if entry.name == "phys_addr" else b"")
                    file.truncate(entry.size_bytes)
        return paths

    def attribute(self, path: str, text: str | None) -> None:
        """Rewrites, or with None removes, a file below /sys/class/uio."""
        full = os.path.join(self.sysfs, "class", "uio", path)
        if text is None:
            os.remove(full)
        else:
            _write(full, text)

    def run(self, command: Sequence[str], *options: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a UIO driver on these files."""
        return subprocess.run(
            [*command, *options, "--sysfs", self.sysfs, "--dev", self.dev],
            capture_output=True,
            text=True,
            check=False,
            user=user,
        )


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
