"""The guests of all rows: one kernel, the driver's initial RAM disk, and the clients' with the agent that measures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.measure import run
from sdfgen.build.toolchain import ZIG_FLAGS
from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest
from tests.sel4.trial import write_driver

HERE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest")
SOURCES: Final = tuple(os.path.join(HERE, name) for name in ("agent.c", "attack.c", "fio.c"))
FLAGS: Final = ("-target", "aarch64-linux-musl", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-static", "-s")


class Guests(NamedTuple):
    """Files that guests boot."""

    kernel: str
    driver: str
    client: str


def write_guests(folder: str, *, fio: bool = False) -> Guests:
    """Make the guests' files.

    Args:
        folder: Where the RAM disks go, `driver` and `client`, and a link to the kernel.
        fio: Whether the clients have fio.

    Raises:
        UnavailableError: Something that this needs is not there.
    """
    base = driver_guest()
    guests = Guests(*(os.path.join(folder, name) for name in Guests._fields))
    os.makedirs(folder, exist_ok=True)
    if os.path.lexists(guests.kernel):
        os.unlink(guests.kernel)
    os.symlink(base.kernel, guests.kernel)
    write_driver(base, Path(guests.driver))
    write_initrd(client_guest("arm64-fio") if fio else base, guests.client, _client(folder))
    return guests


def _client(folder: str) -> Cpio:
    agent = os.path.join(os.path.abspath(folder), "agent")
    run(sys.executable, "-m", "ziglang", "cc", *ZIG_FLAGS.split(), *FLAGS, *SOURCES, "-o", agent)
    extra = Cpio()
    extra.copy("init", os.path.join(HERE, "init"))
    extra.copy("agent", agent)
    return extra
