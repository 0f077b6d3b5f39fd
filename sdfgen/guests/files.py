"""The files that a guest is started from: what each holds, by as little of it as tells."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.read.files import length_bytes
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from sdfgen.layout.context import Context
    from sdfgen.model.guest import KernelImage, RamDisk
    from sdfgen.read.flat_tree import FlatTree
    from sdfgen.spec.guest import GuestTable

    Held = TypeVar("Held")

UNREADABLE = "SDF131"


class GuestFiles(NamedTuple):
    """What a guest's files hold; None where there is no file that can be used.

    Attributes:
        kernel: Its kernel.
        ram_disk: Its initial RAM disk.
        tree: The device tree to start from.
    """

    kernel: KernelImage | None
    ram_disk: RamDisk | None
    tree: FlatTree | None


def guest_files(context: Context, table: GuestTable) -> GuestFiles:
    """Look at a guest's files; those that cannot be used are faults.

    Args:
        context: Where they are, and what takes faults.
        table: The guest.
    """
    return GuestFiles(
        _held(context, table, "kernel", _kernel),
        _held(context, table, "initrd", _ram_disk),
        _held(context, table, "dtb", _tree),
    )


def _held(context: Context, table: GuestTable, key: str, look: Callable[[str, int], Held]) -> Held | None:
    """Return what the file of a key holds; a fault and None when nobody can tell."""
    from sdfgen.read.flat_tree import FlatTreeError

    name = getattr(table, key)
    if name is None:
        return None
    path = os.path.join(context.folder, name)
    wrong = length_bytes(path)
    code, advice = "SDF013", "paths are relative to the description"
    if isinstance(wrong, int):
        try:
            return look(path, wrong)
        except OSError as error:
            wrong, advice = f"cannot be read: {error.strerror}", "see that you may read it"
        except FlatTreeError as error:
            code, wrong, advice = UNREADABLE, error.what, error.advice
    context.faults.add(Fault(code, f"{key} {name!r} {wrong}", table.at(key), with_file(advice, name)))
    return None


def with_file(advice: str, path: str) -> str:
    """Return advice with a file's name in its commands, in place of `FILE`.

    Args:
        advice: The advice.
        path: The file, as the description names it.
    """
    import shlex

    return advice.replace("FILE", shlex.quote(path))


def _kernel(path: str, size_bytes: int) -> KernelImage:
    from sdfgen.guests.kernel import kernel_image

    return kernel_image(path, size_bytes)


def _ram_disk(path: str, size_bytes: int) -> RamDisk:
    from sdfgen.guests.ram_disk import ram_disk

    return ram_disk(path, size_bytes)


def _tree(path: str, _size_bytes: int) -> FlatTree:
    from sdfgen.read.flat_tree import MOST_BYTES, read_flat_tree

    with open(path, "rb") as file:
        return read_flat_tree(file.read(MOST_BYTES + 1))
