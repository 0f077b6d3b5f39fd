"""What a guest's kernel file is, by its first bytes; libvmm starts arm64 `Image` files and nothing else."""

from __future__ import annotations

import struct

from sdfgen.model.guest import ARM64_IMAGE, KernelImage

# Documentation/arch/arm64/booting.rst: text_offset u64 at 8, image_size u64 at 16, magic "ARM\x64" at 56.
_HEADER_BYTES = 64
_FIELDS = struct.Struct("<8xQQ32x4s4x")
_MAGIC = b"ARMd"

_OTHERS = (
    (0, b"\x1f\x8b", "compressed by gzip"),
    (0, b"\xfd7zXZ", "compressed by xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (0, b"BZh", "compressed by bzip2"),
    (0, b"\x7fELF", "an ELF such as vmlinux"),
    (0, b"\x27\x05\x19\x56", "a U-Boot uImage"),
    (0, b"\xd0\x0d\xfe\xed", "a device tree or a FIT image"),
    (4, b"zimg", "a compressed EFI image such as vmlinuz.efi"),
    (36, b"\x18\x28\x6f\x01", "a 32-bit Arm zImage"),
    (0, b"MZ", "an EFI program for another architecture"),
)


def kernel_image(path: str, size_bytes: int) -> KernelImage | None:
    """Read what a kernel file is; None when it cannot be read.

    Args:
        path: The file.
        size_bytes: Its size.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError:
        return None
    if len(head) == _HEADER_BYTES:
        text_offset, image_size, magic = _FIELDS.unpack(head)
        if magic == _MAGIC:
            # Kernels before 3.17 have no image_size.
            return KernelImage(ARM64_IMAGE, text_offset, max(image_size, size_bytes))
    return KernelImage(_other(head), 0, size_bytes)


def _other(head: bytes) -> str:
    for offset, magic, kind in _OTHERS:
        if head[offset : offset + len(magic)] == magic:
            return kind
    return f"of no known kind and starts with {head[:8].hex(' ')}" if head else "empty"
