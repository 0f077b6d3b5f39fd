"""Patches values into variables of linked ELF files, and proves that they arrived.

`patch_file` and `patch_files` write, `plan_file` says what would be written, `verify_file` and
`read_values` read back, `describe_type` tells how a variable is laid out. Importing this package
loads neither LIEF nor pyelftools: each call loads what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patcher.errors import PatchError
from patcher.values import PatchJob, PatchRecord, PatchRequest, PatchWarning, TypeLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "PatchError",
    "PatchJob",
    "PatchRecord",
    "PatchRequest",
    "PatchWarning",
    "TypeLeaf",
    "describe_type",
    "patch_file",
    "patch_files",
    "plan_file",
    "read_values",
    "verify_file",
]


def patch_file(source: str, target: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Write a copy of an ELF file in which the requested variables have the requested values.

    Every byte outside the variables is that of the source, and so are the mode bits. The target
    appears at once and complete, or not at all. A target that is already right is not touched and
    keeps its modification time.

    Args:
        source: Path of a linked 64-bit little-endian ELF file.
        target: Path of the file to write; may be the source.
        requests: The values; all are written in one pass.

    Returns:
        One record per distinct request, in their order.

    Raises:
        PatchError: A request cannot be met or a file cannot be read or written; target and source
            are as before. Faults of several requests are reported together, in `also`.
    """
    (records,) = patch_files([PatchJob(source, target, tuple(requests))])
    return records


def patch_files(jobs: Sequence[PatchJob]) -> tuple[tuple[PatchRecord, ...], ...]:
    """Write patched copies of several ELF files, as `patch_file` does for one; all of them or none.

    No target is replaced before every copy is complete and checked.

    Args:
        jobs: The files; no two write the same one.

    Returns:
        The records of each file, in the order of the jobs.

    Raises:
        PatchError: A request cannot be met or a file cannot be read or written; all files are as before.
            Faults of all files are reported together, in `also`.
    """
    from patcher.patch import patch_files as run

    return run(jobs)


def plan_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Return what `patch_file` would do, without writing.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        requests: The values.

    Returns:
        One record per distinct request, in their order.

    Raises:
        PatchError: A request cannot be met or the file cannot be read.
    """
    from patcher.verify import plan_file as run

    return run(path, requests)


def verify_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Check, with pyelftools alone, that variables have the requested values.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        requests: The values that are expected.

    Returns:
        One record per distinct request, `old` equal to `new`.

    Raises:
        PatchError: A value differs, a request is impossible or the file cannot be read.
    """
    from patcher.verify import verify_file as run

    return run(path, requests)


def read_values(path: str, symbols: Iterable[str]) -> dict[str, int | tuple[int, ...] | str]:
    """Read values out of an ELF file, with pyelftools alone.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        symbols: Names or paths of variables.

    Returns:
        The value of each variable, in the order asked for: an unsigned number, a tuple of them for an
        array, text up to its NUL for an array of char. A name whose type cannot be read, for want of debug
        information, is read as one number of 1, 2, 4 or 8 bytes.

    Raises:
        PatchError: A variable cannot be found or the file cannot be read.
    """
    from patcher.verify import read_values as run

    return run(path, symbols)


def describe_type(path: str, symbol: str) -> tuple[TypeLeaf, ...]:
    """Return how a variable is laid out, by debug information.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        symbol: Name or path of a variable, or `[.section]`.

    Returns:
        Its parts that have no parts themselves, in the order of their offsets. Elements of arrays are parts
        of their own; an array of char is one.

    Raises:
        PatchError: The variable cannot be found, or there is no debug information about it that can be read.
    """
    from patcher.verify import describe_type as run

    return run(path, symbol)
