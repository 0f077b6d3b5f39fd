"""QEMU: its command line from the model, and its process."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sdfgen.facts.board_tables import SlotsTable
from sdfgen.run.status import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sdfgen.facts.board import Device
    from sdfgen.model.system import Storage, System

PROGRAM: Final = "qemu-system-aarch64"
DEBIAN_PACKAGE: Final = "qemu-system-arm"
_VIRTIO_SLOT: Final = "virtio,mmio"
_PATIENCE_S: Final = 5
"""How long QEMU may take to write its caches and end."""
_ENDING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG: Final = 1
"""Linux, prctl(2): the signal that this process gets when its parent has died."""


def program() -> str:
    """Return the path of QEMU.

    Raises:
        RunError: When it is not installed.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise RunError(f"{PROGRAM} is not on PATH; Debian's package {DEBIAN_PACKAGE} has it")
    return path


def command(system: System, loader: str, disks: Mapping[str, str], extra: Sequence[str] = ()) -> list[str]:
    """Return the words that run a system in QEMU, the program first.

    Args:
        system: The system.
        loader: Its bootable image.
        disks: Disk images by the names of the system's disks.
        extra: More arguments.

    Raises:
        RunError: When QEMU cannot run the board, or a guest that drives a disk has no slot for it.
    """
    facts, boards = system.board.facts, system.origin.at("boards")
    if facts.qemu is None:
        raise RunError(f"QEMU can't run {system.board.name}: its board file has no [qemu] section", boards)
    if facts.board.loader_address is None:
        message = f"QEMU can't run {system.board.name}: its board file has no `loader_address` in [board]"
        raise RunError(message, boards, f"add it to {system.board.path}")
    cores = system.core_count
    return [
        PROGRAM,
        *("-machine", facts.qemu.machine, "-cpu", facts.qemu.cpu, "-m", facts.qemu.memory),
        *(("-smp", str(cores)) if cores > 1 else ()),
        *("-display", "none", "-monitor", "none", "-serial", "stdio"),
        *("-device", f"loader,file={_escaped(loader)},addr={facts.board.loader_address:#x},cpu-num=0"),
        *(word for storage in system.storage for word in _disk(system, storage, disks[storage.name])),
        *extra,
    ]


def _disk(system: System, storage: Storage, path: str) -> Iterator[str]:
    drive = f"disk_{storage.name}"
    yield from ("-drive", f"file={_escaped(path)},format=raw,if=none,id={drive}")
    yield from ("-device", f"virtio-blk-device,drive={drive},bus=virtio-mmio-bus.{_slot(system, storage)}")


def _slot(system: System, storage: Storage) -> int:
    """Return the index of the first virtio slot that is passed through to a disk's guest; QEMU counts them alike."""
    guest = system.guest(storage.guest)
    slots = (index for name in guest.devices if (index := _virtio_index(system.board.devices[name])) is not None)
    found = next(slots, None)
    if found is None:
        raise RunError(
            f"guest `{storage.guest}` is given no virtio slot, so QEMU can't show it a disk",
            guest.origin.at("devices"),
            "add one to its `devices`",
        )
    return found


def _virtio_index(device: Device) -> int | None:
    row = device.facts
    if not isinstance(row, SlotsTable) or _VIRTIO_SLOT not in row.compatible:
        return None
    return (device.base - row.base) // row.step


def _escaped(path: str) -> str:
    """Return a path as a value of a QEMU option, where commas separate values."""
    return path.replace(",", ",,")


@contextmanager
def running(words: Sequence[str], *, listens: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run QEMU; it has ended when this is left, whichever way.

    QEMU is a process group of its own: what a terminal's ^C means for it is decided here.

    Args:
        words: Its command line.
        listens: Its serial line has somebody who types.
    """
    with subprocess.Popen(
        words,
        executable=program(),
        stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this program has one thread
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End QEMU; nothing interrupts that: it was asked for already."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING_SIGNALS}
    for pipe in (process.stdout, process.stdin):
        if pipe:
            pipe.close()
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
