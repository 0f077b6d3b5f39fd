"""What an author's initial RAM disk is, by as little of its file as tells: Linux unpacks cpio archives.

Documentation/driver-api/early-userspace/buffer-format.rst has the format, init/initramfs.c what is made of it, and
lib/decompress.c by which two bytes a decompressor is chosen: whatever else stands there is refused.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.model.guest import CRC, LZ4, RamDisk
from sdfgen.read import kinds
from sdfgen.read.kinds import HEAD_BYTES, kind_of
from sdfgen.units import round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_READ_BYTES = 8 * 2**20
"""No more of a file is looked at: what begins well is taken for good."""
_STEP_BYTES = 512
_ZEROS_BYTES = 2**16
_FED_BYTES = 2**16
_BZIP2_BLOCK_BYTES = 2**20
"""A block of bzip2 is unpacked whole, and has 900,000 bytes at most before it is compressed."""
_LZMA_MEMORY_BYTES = 2**29

_NEWC, _CRC = b"070701", b"070702"
_HEADER_BYTES = 110
_FIELD = 8
_SIZE_FIELD, _NAME_FIELD = 6, 11
_ALIGNMENT = 4

_PACK = "pack its files anew, in their folder: find . | cpio -o -H newc | gzip > NEW"
_ADVICE = {
    kinds.U_BOOT: "take its header of 64 bytes off: tail -c +65 FILE > NEW",
    kinds.SCRIPT: "put it into an archive, as a program named `init`: echo init | cpio -o -H newc > NEW",
    kinds.ELF: "put it into an archive, as a program named `init`: echo init | cpio -o -H newc > NEW",
    kinds.LZ4_FRAMES: "compress it in the legacy format: lz4 -dc FILE | lz4 -l > NEW",
    kinds.ARM64_IMAGE: "give the kernel as `kernel`, and an archive of the guest's files as `initrd`",
}


class _WrongError(Exception):
    """It is nothing that Linux unpacks."""

    def __init__(self, what: str, advice: str = _PACK, *, mountable: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.mountable = mountable


class _DamagedError(Exception):
    """What is compressed cannot be unpacked."""


def ram_disk(path: str, size_bytes: int) -> RamDisk:
    """Look at an initial RAM disk.

    Args:
        path: The file.
        size_bytes: Its size.

    Raises:
        OSError: When it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        form, is_empty = _Walk(descriptor, size_bytes).walk()
        return RamDisk(size_bytes, form=form, is_empty=is_empty)
    except _WrongError as error:
        return RamDisk(size_bytes, error.what, error.advice, mountable=error.mountable)
    finally:
        os.close(descriptor)


class _Walk:
    """Goes from archive to archive, as Linux does."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor = descriptor
        self._size_bytes = size_bytes
        self._at = 0
        self._archive_end = 0
        self._left = MOST_READ_BYTES
        self._form = ""

    def walk(self) -> tuple[str, bool]:
        """Return the form, if it is one that not every Linux takes, and whether there is nothing to unpack."""
        is_empty = True
        while self._at < self._size_bytes and self._left > 0:
            head = self._read(_STEP_BYTES)
            if head.startswith(b"\0"):
                self._skip_zeros()
                continue
            is_empty = False
            if not head.startswith((_NEWC, _CRC)):
                self._other()
                break
            self._entry(head)
        return self._form, is_empty and self._at >= self._size_bytes

    def _read(self, count: int) -> bytes:
        data = os.pread(self._descriptor, count, self._at)
        self._left -= max(len(data), 1)
        if not data:
            self._at = self._size_bytes  # it became shorter meanwhile
        return data

    def _skip_zeros(self) -> None:
        data = self._read(_ZEROS_BYTES)
        self._at += len(data) - len(data.lstrip(b"\0"))

    def _entry(self, head: bytes) -> None:
        """Go past a file of an archive."""
        if self._at % _ALIGNMENT:
            raise _WrongError(
                f"an archive begins at byte {self._at}, and Linux takes one at a multiple of {_ALIGNMENT}"
            )
        if head.startswith(_CRC):
            self._form = CRC
        size, name_bytes = (_field(head, number) for number in (_SIZE_FIELD, _NAME_FIELD))
        if len(head) < _HEADER_BYTES or size is None or name_bytes is None:
            raise _WrongError(f"the archive's header at byte {self._at} is cut off or damaged", "make it anew")
        start = self._at + round_up(_HEADER_BYTES + name_bytes, _ALIGNMENT)
        end = start + size if size else self._at + _HEADER_BYTES + name_bytes
        if end > self._size_bytes:
            name = head[_HEADER_BYTES:].split(b"\0", 1)[0].decode("ascii", "backslashreplace")
            what = f"it is cut off: {name!r} in it ends at byte {end}, and the file has {self._size_bytes}"
            raise _WrongError(what, "make it anew")
        self._at = self._archive_end = start + round_up(size, _ALIGNMENT)

    def _other(self) -> None:
        """Judge what is no archive as it is: one that is compressed, or nothing that is unpacked."""
        head = self._read(HEAD_BYTES)
        found = _COMPRESSED.get(head[:2])
        if found is None:
            begins = kind_of(os.pread(self._descriptor, HEAD_BYTES, self._archive_end))  # zeroes may be a part of it
            kind = begins if begins.is_known else kind_of(head)
            raise _WrongError(f"it is {kind.name}", _ADVICE.get(kind.name, _PACK), mountable=kind.file_system)
        form, judge, fed_bytes = found
        judge(head)
        if form == LZ4:
            self._form = LZ4
        if form in _UNPACKED:
            data = self._read(fed_bytes)
            _inside(form, data, is_all=self._at + len(data) >= self._size_bytes)


def _field(head: bytes, number: int) -> int | None:
    start = len(_NEWC) + number * _FIELD
    digits = head[start : start + _FIELD]
    try:
        return int(digits, 16) if digits.isalnum() else None
    except ValueError:
        return None


def _inside(form: str, data: bytes, *, is_all: bool) -> None:
    """Look at the first bytes of what is compressed."""
    cut_off = _WrongError(f"it is compressed by {form}, and it is cut off or damaged", "make it anew")
    try:
        inside, is_end = _UNPACKED[form](data)
    except _DamagedError:
        raise cut_off from None
    if inside is None:
        return
    if is_all and not is_end and len(inside) < HEAD_BYTES:
        raise cut_off
    kind = kind_of(inside)
    if kind.name == kinds.EMPTY and is_end:
        raise _WrongError(f"it is compressed by {form}, and nothing is inside", "make it anew")
    if not inside or kind.name == kinds.CPIO or (inside.startswith(b"\0") and not kind.is_known):
        return
    advice = _ADVICE[kind.name] if kind.name in (kinds.SCRIPT, kinds.ELF) else _PACK
    what = f"it is compressed by {form}, and inside is what is {kind.name}"
    raise _WrongError(what, advice, mountable=kind.file_system)


_Unpacked = tuple[bytes | None, bool]
"""The first bytes of what is inside, None when nobody can tell; and whether there are no more."""


def _gunzipped(data: bytes) -> _Unpacked:
    import zlib

    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: with gzip's header
    try:
        return unpacker.decompress(data, HEAD_BYTES), unpacker.eof
    except zlib.error as error:
        raise _DamagedError from error


def _bunzipped(data: bytes) -> _Unpacked:
    try:
        from bz2 import BZ2Decompressor
    except ImportError:  # a Python that was built without
        return None, False
    unpacker = BZ2Decompressor()
    try:
        return unpacker.decompress(data, HEAD_BYTES), unpacker.eof
    except OSError as error:
        raise _DamagedError from error


def _unxzed(data: bytes) -> _Unpacked:
    return _unlzmaed(data, "FORMAT_AUTO")


def _unlzmaed(data: bytes, form: str = "FORMAT_ALONE") -> _Unpacked:
    try:
        import lzma
    except ImportError:
        return None, False
    unpacker = lzma.LZMADecompressor(getattr(lzma, form), memlimit=_LZMA_MEMORY_BYTES)
    try:
        return unpacker.decompress(data, HEAD_BYTES), unpacker.eof
    except lzma.LZMAError as error:
        if "emory" in str(error):  # the largest dictionaries: Linux may have the memory
            return None, False
        raise _DamagedError from error


_UNPACKED: dict[str, Callable[[bytes], _Unpacked]] = {
    "gzip": _gunzipped,
    "bzip2": _bunzipped,
    "xz": _unxzed,
    "lzma": _unlzmaed,
}


def _taken(_head: bytes) -> None:
    """Take whatever has the two bytes: nothing that matters can be told by more."""


_XZ_CHECKS = {4: "CRC64", 10: "SHA-256"}
_XZ_KNOWN = (0, 1)
_XZ_CHECK_AT = 7


def _xz_check(head: bytes) -> None:
    """lib/xz/xz_dec_stream.c: a check other than none and CRC32 is refused, in the kernel's build of it."""
    check = head[_XZ_CHECK_AT] & 0xF if len(head) > _XZ_CHECK_AT else 0
    if check not in _XZ_KNOWN:
        name = _XZ_CHECKS.get(check, f"kind {check}")
        what = f"it is compressed by xz with checks of {name}, and Linux's decoder has CRC32 only"
        raise _WrongError(what, "compress it with CRC32: xz -dc FILE | xz --check=crc32 > NEW")


_ZSTD_MOST_BYTES = 2**27
"""lib/decompress_unzstd.c: ZSTD_WINDOWSIZE_MAX."""
_ZSTD_WINDOW_AT = 5


def _zstd_window(head: bytes) -> None:
    """RFC 8878, 3.1.1.1: a descriptor, and behind it, unless the frame is a single segment, the window."""
    single_segment, exponent_bits, least_log = 1 << 5, 3, 10
    if len(head) <= _ZSTD_WINDOW_AT or head[_ZSTD_WINDOW_AT - 1] & single_segment:
        return
    log, eighths = least_log + (head[_ZSTD_WINDOW_AT] >> exponent_bits), head[_ZSTD_WINDOW_AT] & 7
    window = (1 << log) + (1 << log >> 3) * eighths
    if window > _ZSTD_MOST_BYTES:
        what = f"it is compressed by zstd with a window of {size_text(window)}"
        advice = "compress it with a smaller one: zstd -dc --long=31 FILE | zstd -19 > NEW"
        raise _WrongError(f"{what}, and Linux has {size_text(_ZSTD_MOST_BYTES)} for it", advice)


_COMPRESSED: dict[bytes, tuple[str, Callable[[bytes], None], int]] = {
    b"\x1f\x8b": ("gzip", _taken, _FED_BYTES),
    b"BZ": ("bzip2", _taken, _BZIP2_BLOCK_BYTES),
    b"\x5d\0": ("lzma", _taken, _FED_BYTES),
    b"\xfd7": ("xz", _xz_check, _FED_BYTES),
    b"\x89L": ("lzo", _taken, _FED_BYTES),
    b"\x02\x21": (LZ4, _taken, _FED_BYTES),
    b"\x28\xb5": ("zstd", _zstd_window, _FED_BYTES),
}
"""lib/decompress.c: by its first two bytes, how an archive is compressed; what judges more of it, and from how much."""
