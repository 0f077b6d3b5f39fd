"""What a guest's kernel file is, by its first bytes; libvmm starts arm64 `Image` files and nothing else."""

from __future__ import annotations

import struct

from sdfgen.model.guest import KernelImage
from sdfgen.read.kinds import ARM64_IMAGE, ELF, HEAD_BYTES, ZBOOT, kind_of

# Documentation/arch/arm64/booting.rst: text_offset, image_size and flags, u64 each, at 8; magic "ARM\x64" at 56.
_HEADER_BYTES = 64
_FIELDS = struct.Struct("<8xQQQ24x4sI")
_BIG_ENDIAN = 1
_PAGE_SHIFT, _PAGE_MASK = 1, 3
_PAGE_KIB = (None, 4, 16, 64)

# The EFI stub makes an Image a PE file too, whose sections say how long the file is.
_PE = struct.Struct("<4s2xH12xH2x")
_PE_MAGIC = b"PE\0\0"
_SECTION = struct.Struct("<16xII16x")

# drivers/firmware/efi/libstub/zboot-header.S: where the compressed Image lies, and what unpacks it.
_ZBOOT = struct.Struct("<8xII8x8s")
_ZBOOT_UNPACK = {
    "gzip": "gzip -dc",
    "zstd": "zstd -dc",
    "xz": "xz -dc",
    "lz4": "lz4 -dc",
    "lzma": "xz --format=lzma -dc",
}


_OBJCOPY = "aarch64-linux-gnu-objcopy -O binary -R .note -R .note.gnu.build-id -R .comment -S"


def kernel_image(path: str, size_bytes: int) -> KernelImage:
    """Read what a kernel file is.

    Args:
        path: The file.
        size_bytes: Its size.

    Raises:
        OSError: When it cannot be read.
    """
    with open(path, "rb") as file:
        return image_of(file.read(HEAD_BYTES), size_bytes)


def image_of(head: bytes, size_bytes: int) -> KernelImage:
    """Return what a kernel file is.

    Args:
        head: What it begins with, `HEAD_BYTES` of it where there are as many.
        size_bytes: Its size.
    """
    if kind_of(head).name != ARM64_IMAGE or len(head) < _HEADER_BYTES:
        return KernelImage(_named(head), 0, size_bytes, advice=_advice(head))
    text_offset, image_size, flags, _, pe_at = _FIELDS.unpack_from(head)
    return KernelImage(
        ARM64_IMAGE,
        text_offset,
        max(image_size, size_bytes),  # kernels before 3.17 have no image_size
        wrong=_wrong(flags, _file_bytes(head, pe_at), size_bytes),
        page_kib=_PAGE_KIB[flags >> _PAGE_SHIFT & _PAGE_MASK],
    )


def _wrong(flags: int, needed_bytes: int, size_bytes: int) -> str:
    if flags & _BIG_ENDIAN:
        return "is big-endian, and its VMM plays devices for a little-endian one"
    if size_bytes < needed_bytes:
        return f"is cut off: its header tells of {needed_bytes} bytes, and the file has {size_bytes}"
    return ""


def _file_bytes(head: bytes, pe_at: int) -> int:
    """Return where the last section of an Image ends in its file; 0 for one without an EFI stub."""
    if pe_at + _PE.size > len(head) or not head.startswith(b"MZ"):
        return 0
    magic, sections, optional_bytes = _PE.unpack_from(head, pe_at)
    start = pe_at + _PE.size + optional_bytes
    if magic != _PE_MAGIC or start + sections * _SECTION.size > len(head):
        return 0
    rows = _SECTION.iter_unpack(head[start : start + sections * _SECTION.size])
    return max((offset + size for size, offset in rows if offset), default=0)


def _named(head: bytes) -> str:
    kind = kind_of(head).name
    if kind == ARM64_IMAGE:
        return f"cut off: it has {len(head)} bytes, and the header of one {_HEADER_BYTES}"
    method = _zboot(head)[2] if kind == ZBOOT else ""
    return f"{kind}, by {method}" if method else kind


def _zboot(head: bytes) -> tuple[int, int, str]:
    """Return where in a compressed EFI image the Image lies, how long it is, and what it is compressed by."""
    if len(head) < _ZBOOT.size:
        return 0, 0, ""
    offset, size, name = _ZBOOT.unpack_from(head)
    return offset, size, next((known for known in _ZBOOT_UNPACK if name.startswith(known.encode())), "")


def _advice(head: bytes) -> str:
    """Return how to come to an Image; nothing when the file may not hold one."""
    kind = kind_of(head)
    if kind.name == ELF:
        return f"make one of it, as arch/arm64/boot/Makefile does: {_OBJCOPY} FILE Image"
    if kind.name == ZBOOT:
        offset, size, method = _zboot(head)
        unpack = f"tail -c +{offset + 1} FILE | head -c {size} | {_ZBOOT_UNPACK[method]}" if method else ""
        return f"unpack it: {unpack} > Image" if unpack else ""
    return f"unpack it: {kind.unpack} FILE > Image" if kind.unpack else ""
