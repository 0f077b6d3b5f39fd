"""Writes values into a copy of an ELF file and puts the copy in place in one step."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from patcher import errors
from patcher.errors import PatchError
from patcher.source import Source, opened
from patcher.verify import survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patcher.values import PatchRecord, PatchRequest
    from patcher.verify import Survey

CHUNK_BYTES: Final = 1 << 18
_NAME_BYTES: Final = 64
_NO_RANGE_COPY: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})


def patch_file(source: str, target: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Write a copy of an ELF file with the requested values; see `patcher.patch_file`."""
    with opened(source) as original:
        found = survey(original, requests)
        if not _is_done(original, target, found.records):
            from patcher.locate import locate

            locate(source, found)
            _write(original, target, found)
    return found.records


def _is_done(original: Source, target: str, records: Sequence[PatchRecord]) -> bool:
    here = os.fstat(original.stream.fileno())
    try:
        there = os.stat(target)
        if os.path.samestat(here, there):
            return all(record.old == record.new for record in records)
        if not stat.S_ISREG(there.st_mode) or (here.st_mode, here.st_size) != (there.st_mode, there.st_size):
            return False
        with open(target, "rb") as stream:
            return _same_result(original.stream.fileno(), stream.fileno(), original.size_bytes, records)
    except (OSError, ValueError):
        return False


def _write(original: Source, target: str, found: Survey) -> None:
    with _replacing(target) as copy:
        source = original.stream.fileno()
        _copy(source, copy, original.size_bytes)
        os.fchmod(copy, stat.S_IMODE(os.fstat(source).st_mode))
        for record in found.records:
            os.pwrite(copy, record.new, record.file_offset)
        _check(original, target, copy, found)


@contextmanager
def _replacing(target: str) -> Iterator[int]:
    """Give a new file beside the target, which takes its place when the body succeeds."""
    from tempfile import mkstemp

    try:
        real = os.path.realpath(target)
        _check_target(target, real)
        folder, name = os.path.split(real)
        copy, path = mkstemp(prefix=f".{name[:_NAME_BYTES]}.", dir=folder)
        try:
            with open(copy, "r+b", buffering=0):
                yield copy
            os.replace(path, real)
        except BaseException:
            os.unlink(path)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot be written ({reason}); check its folder, permissions and free space"
        raise PatchError(errors.UNWRITABLE, message, target) from error


def _check_target(target: str, real: str) -> None:
    if os.path.lexists(real) and not os.path.isfile(real):
        kind = "a directory" if os.path.isdir(real) else "no regular file"
        raise PatchError(errors.UNWRITABLE, f"the output is {kind}; name a file", target)


def _copy(source: int, copy: int, size_bytes: int) -> None:
    at = 0
    while at < size_bytes:
        count = _copy_some(source, copy, at, size_bytes - at)
        if count == 0:
            raise OSError(errno.EIO, "the input became shorter")
        at += count


def _copy_some(source: int, copy: int, at: int, count: int) -> int:
    """Copy in the kernel; file systems that can share blocks do so."""
    try:
        return os.copy_file_range(source, copy, count, at, at)
    except OSError as error:
        if error.errno not in _NO_RANGE_COPY:
            raise
    os.lseek(copy, at, os.SEEK_SET)
    return os.sendfile(copy, source, at, count)


def _check(original: Source, target: str, copy: int, found: Survey) -> None:
    """Read the copy back with pyelftools and compare every other byte with the source."""
    with open(os.dup(copy), "rb") as stream:
        written = Source(target, stream, os.fstat(copy).st_size)
        again = survey(written, found.requests, found.leaves)
    arrived = again.places == found.places and all(record.old == record.new for record in again.records)
    if not arrived or not _same_result(original.stream.fileno(), copy, original.size_bytes, found.records):
        message = "the copy does not read back as it was written; look for another writer or a failing disk"
        raise PatchError(errors.DISAGREEMENT, message, target)


def _same_result(source: int, copy: int, size_bytes: int, records: Sequence[PatchRecord]) -> bool:
    """Say whether the copy is the source with the new values in it."""
    at = 0
    for record in sorted(records, key=lambda record: record.file_offset):
        if not _same_bytes(source, copy, at, record.file_offset):
            return False
        if os.pread(copy, len(record.new), record.file_offset) != record.new:
            return False
        at = record.file_offset + len(record.new)
    return os.fstat(copy).st_size == size_bytes and _same_bytes(source, copy, at, size_bytes)


def _same_bytes(one: int, other: int, start: int, end: int) -> bool:
    for at in range(start, end, CHUNK_BYTES):
        count = min(CHUNK_BYTES, end - at)
        if os.pread(one, count, at) != os.pread(other, count, at):
            return False
    return True
