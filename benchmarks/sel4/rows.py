"""The rows of the table: what QEMU runs for each, and where its agents' disks begin."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measure import BenchmarkError
from benchmarks.sel4.cells import MIB
from benchmarks.sel4.mailbox import Mailbox
from sdfgen.describe import describe
from sdfgen.outputs import LOADER
from sdfgen.run.partition_table import SECTOR_BYTES, Partition, place, write_disk
from sdfgen.run.qemu import PROGRAM, command
from sdfgen.run.turns import ENDS_OF_TURNS, host_core_count, is_fair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.sel4.guest import Guests

HERE: Final = os.path.dirname(os.path.abspath(__file__))
BOARD: Final = "qemu_virt_aarch64"
DESCRIPTION: Final = "system.toml"
DISK_MIB: Final = 64
RAM_MIB: Final = {"cores": 256, "fio": 512}
"""As a client's in the descriptions, by what their names begin with."""
ROW_FORM: Final = "NAME=SDK:LIBVMM:CONFIG:CORES"
ROW: Final = re.compile(r"([^=]+)=([^:]+):([^:]+):([a-z-]+):([1-9][0-9]?)")
PEER_FORM: Final = "NAME=FILE"
ICOUNT: Final = ("-icount", "shift=0,sleep=on")


class RowError(BenchmarkError):
    """A row can't be measured; the others can."""


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        name: What the table calls it.
        words: QEMU's command line.
        mailboxes: One for each client.
        cores: How many QEMU emulates.
    """

    name: str
    words: tuple[str, ...]
    mailboxes: tuple[Mailbox, ...]
    cores: int


class Wanted(NamedTuple):
    """A row of ours as the command line has it: `NAME=SDK:LIBVMM:CONFIG:CORES`."""

    name: str
    sdk: str
    libvmm: str
    config: str
    cores: int


class Peer(NamedTuple):
    """A row of somebody else's: `NAME=FILE`, QEMU's words with `{disk}` for a disk of one partition."""

    name: str
    path: str


def wanted(text: str) -> Wanted:
    """Read a row of ours.

    Raises:
        ArgumentTypeError: It is not one.
    """
    found = ROW.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not {ROW_FORM}")
    name, sdk, libvmm, config, cores = found.groups()
    return Wanted(name, os.path.abspath(sdk), os.path.abspath(libvmm), config, int(cores))


def peer(text: str) -> Peer:
    """Read a row of somebody else's.

    Raises:
        ArgumentTypeError: It is not one.
    """
    name, _, path = text.partition("=")
    if not name or not path:
        raise ArgumentTypeError(f"{text!r} is not {PEER_FORM}")
    return Peer(name, path)


def limit_name(cores: int) -> str:
    """Return what the table calls the guests' kernel directly on so many cores."""
    return f"limit, {cores} core{'s' * (cores > 1)}"


def system_row(row: Wanted, guests: Guests, folder: str, disk: str, more: str = "", *, kind: str = "cores") -> Row:
    """Build our system.

    Args:
        row: What is wanted.
        guests: The guests' files.
        folder: Where what is built goes.
        disk: The disk's file, which is made.
        more: Tables that the description has besides.
        kind: What the description's name begins with; its cores follow.

    Raises:
        RowError: It can't be built.
    """
    os.makedirs(folder, exist_ok=True)
    description = os.path.join(HERE, f"{kind}-{row.cores}.toml")
    if not os.path.exists(description):
        raise RowError(f"{row.name}: there is no {os.path.relpath(description)}")
    with open(shutil.copy(description, os.path.join(folder, DESCRIPTION)), "a", encoding="utf-8") as file:
        file.write(more)
    for name, path in guests._asdict().items():
        _link(path, os.path.join(folder, name))
    settings = (f'system.microkit="{_version(row)}"', f'system.config="{row.config}"')
    _build(row, folder, settings)
    system = describe(os.path.join(folder, DESCRIPTION), settings).systems[BOARD]
    loader = os.path.join(folder, "build", BOARD, LOADER)
    (storage,) = system.storage
    mailboxes = _partitioned(disk, tuple(wanted.name for wanted in storage.partitions))
    return Row(row.name, tuple(command(system, loader, {storage.name: disk})), mailboxes, row.cores)


def peer_row(row: Peer, disk: str) -> Row:
    """Read QEMU's words for somebody else's image.

    Args:
        row: What is wanted.
        disk: The disk's file, which is made.

    Raises:
        RowError: There are none.
    """
    try:
        with open(row.path, encoding="utf-8") as file:
            words = tuple(word.replace("{disk}", disk) for word in shlex.split(file.read(), comments=True))
    except OSError as error:
        raise RowError(f"{row.name}: {error.filename}: {error.strerror}") from error
    return Row(row.name, words, _partitioned(disk, ("client1",)), 1)


def limit_row(cores: int, guests: Guests, disk: str, *, kind: str = "cores", clients: int = 2) -> Row:
    """Return the guests' kernel directly on QEMU, with a disk for each agent.

    Args:
        cores: How many QEMU emulates.
        guests: The guests' files.
        disk: What the files of the disks begin with, which are made.
        kind: Of the descriptions that it is the limit of.
        clients: How many agents there are.
    """
    disks = [f"{disk}-{number}" for number in range(1, clients + 1)]
    words = [PROGRAM, "-machine", "virt", "-cpu", "cortex-a53", "-smp", str(cores), "-m", str(RAM_MIB[kind])]
    words += ["-display", "none", "-monitor", "none", "-serial", "stdio"]
    words += ["-kernel", guests.kernel, "-initrd", guests.client, "-append", "quiet"]
    for number, path in enumerate(disks, start=1):
        _empty(path)
        words += ["-drive", f"file={path},format=raw,if=none,id=disk{number}"]
        words += ["-device", f"virtio-blk-device,drive=disk{number}"]
    mailboxes = tuple(Mailbox(f"client{number}", path, 0) for number, path in enumerate(disks, start=1))
    return Row(limit_name(cores), tuple(words), mailboxes, cores)


def counted(row: Row) -> Row | None:
    """Return the row with instructions for a clock, several cores in turn; None where this QEMU can't."""
    if row.cores == 1:
        return row._replace(words=(*row.words, *ICOUNT))
    return row._replace(words=(*row.words, *ICOUNT, *ENDS_OF_TURNS)) if is_fair() else None


def has_cores(row: Row) -> bool:
    """Tell whether each of a row's cores has one of the host."""
    return row.cores <= host_core_count()


def _version(row: Wanted) -> str:
    try:
        with open(os.path.join(row.sdk, "VERSION"), encoding="ascii") as file:
            return file.read().strip()
    except OSError as error:
        raise RowError(f"{row.name}: {error.filename}: {error.strerror}") from error


def _build(row: Wanted, folder: str, settings: Sequence[str]) -> None:
    words = [sys.executable, "-m", "sdfgen", "build", DESCRIPTION]
    words += [word for text in settings for word in ("--set", text)]
    environment = {**os.environ, "MICROKIT_SDK": row.sdk, "LIBVMM": row.libvmm}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RowError(f"{row.name}: {done.stdout}{done.stderr}".strip())


def _partitioned(disk: str, names: Sequence[str]) -> tuple[Mailbox, ...]:
    """Make a disk with a partition for each client."""
    partitions = [Partition(index, name, DISK_MIB * MIB, None) for index, name in enumerate(names)]
    if os.path.exists(disk):
        os.unlink(disk)
    write_disk(disk, "measured", "gpt", partitions)
    _fill(disk)
    return tuple(Mailbox(each.partition.name, disk, each.first * SECTOR_BYTES) for each in place(partitions))


def _empty(disk: str) -> None:
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB * MIB)
    _fill(disk)


def _fill(disk: str) -> None:
    """Give each block of a sparse file a place: what is written then is no new one."""
    with open(disk, "r+b") as file:
        for start in range(0, os.fstat(file.fileno()).st_size, MIB):
            os.pwrite(file.fileno(), os.pread(file.fileno(), MIB, start), start)


def _link(target: str, path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(target, path)
