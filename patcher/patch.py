"""Writes values into copies of ELF files and puts the copies in place, all of them or none."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from patcher import errors
from patcher.beside import locate_here
from patcher.errors import PatchError, raise_all
from patcher.source import Source, opened
from patcher.verify import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from patcher.beside import Finish, Surveys
    from patcher.values import PatchJob, PatchRecord
    from patcher.verify import Survey

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
CHUNK_BYTES: Final = 1 << 18
_NAME_BYTES: Final = 64
_NO_RANGE_COPY: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})


class _Work(NamedTuple):
    job: PatchJob
    original: Source
    found: Survey


def patch_files(
    jobs: Sequence[PatchJob], locate: Callable[[Surveys], Finish] = locate_here
) -> tuple[tuple[PatchRecord, ...], ...]:
    """Patch several ELF files, all or none; see `patcher.patch_files`.

    Args:
        jobs: The files.
        locate: Asks LIEF for its opinion.
    """
    with ExitStack() as originals:
        works = _each(jobs, lambda job: _surveyed(originals.enter_context(opened(job.source)), job))
        todo = [work for work in works if not _is_done(work.original, work.job.target, work.found.records)]
        if todo:
            agree = locate([(work.job.source, work.found) for work in todo])
            with ExitStack() as copies:
                _each(todo, lambda work: _fill(work, copies.enter_context(_replacing(work.job.target))))
                agree()
        return tuple(work.found.records for work in works)


def _surveyed(original: Source, job: PatchJob) -> _Work:
    return _Work(job, original, survey(original, job.requests))


def _each(items: Iterable[_Item], step: Callable[[_Item], _Result]) -> list[_Result]:
    """Take a step for every item, and raise what is found at all of them together."""
    results: list[_Result] = []
    faults: list[PatchError] = []
    for item in items:
        try:
            results.append(step(item))
        except PatchError as fault:
            faults += fault.faults
    raise_all(faults)
    return results


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


def _fill(work: _Work, copy: int) -> None:
    source, target = work.original.stream.fileno(), work.job.target
    with _write_faults(target):
        _copy(source, copy, work.original.size_bytes)
        os.fchmod(copy, stat.S_IMODE(os.fstat(source).st_mode))
        for record in work.found.records:
            os.pwrite(copy, record.new, record.file_offset)
        _check(work.original, target, copy, work.found)


@contextmanager
def _replacing(target: str) -> Iterator[int]:
    """Give a new file beside the target, which takes its place when the body succeeds."""
    from tempfile import mkstemp

    with _write_faults(target):
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


@contextmanager
def _write_faults(target: str) -> Iterator[None]:
    try:
        yield
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
        again = survey(written, found.requests, found.facts)
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
    """Compare through two buffers that stay: fresh ones would cost a page fault for each page read."""
    buffers = bytearray(CHUNK_BYTES), bytearray(CHUNK_BYTES)
    for at in range(start, end, CHUNK_BYTES):
        count = min(CHUNK_BYTES, end - at)
        views = [memoryview(buffer)[:count] for buffer in buffers]
        if [os.preadv(file, [view], at) for file, view in zip((one, other), views, strict=True)] != [count, count]:
            return False
        if buffers[0] != buffers[1]:
            return False
    return True
