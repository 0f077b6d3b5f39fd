"""What a file is by its first bytes: what is taken for a kernel, an initial RAM disk or a device tree by mistake."""

from __future__ import annotations

from sdfgen.records import NamedTuple

HEAD_BYTES = 4096
"""Enough of a file to tell its kind; a file system's mark stands at 1080."""

ARM64_IMAGE = "an arm64 Image"
CPIO, ODC, OLD_CPIO = "a cpio archive", "a cpio archive of the kind odc", "a cpio archive of the old binary kind"
TAR = "a tar archive"
U_BOOT = "a U-Boot uImage"
ZBOOT = "a compressed EFI image such as vmlinuz.efi"
ELF = "an ELF such as vmlinux"
SCRIPT = "a script"
LZ4_FRAMES = "compressed by lz4 in its new frames"
EMPTY = "empty"


class Kind(NamedTuple):
    """What a file is.

    Attributes:
        name: In words that follow "is".
        unpack: What unpacks it to standard output, given its name behind; empty when nothing does.
        file_system: It is an image of a file system.
        is_known: It is one of these; the name of any other tells how it begins.
    """

    name: str
    unpack: str = ""
    file_system: bool = False
    is_known: bool = True


_KINDS = (
    (56, b"ARMd", Kind(ARM64_IMAGE)),
    (0, b"\x1f\x8b", Kind("compressed by gzip", "gzip -dc")),
    (0, b"\xfd7zXZ\0", Kind("compressed by xz", "xz -dc")),
    (0, b"\x28\xb5\x2f\xfd", Kind("compressed by zstd", "zstd -dc")),
    (0, b"BZh", Kind("compressed by bzip2", "bzip2 -dc")),
    (0, b"\x5d\0\0", Kind("compressed by lzma", "xz --format=lzma -dc")),
    (0, b"\x02\x21\x4c\x18", Kind("compressed by lz4", "lz4 -dc")),
    (0, b"\x04\x22\x4d\x18", Kind(LZ4_FRAMES, "lz4 -dc")),
    (0, b"\x89LZO\0\r\n\x1a\n", Kind("compressed by lzop", "lzop -dc")),
    (0, b"\x7fELF", Kind(ELF)),
    (0, b"\x27\x05\x19\x56", Kind(U_BOOT, "tail -c +65")),
    (0, b"\xd0\x0d\xfe\xed", Kind("a device tree or a FIT image")),
    (4, b"zimg", Kind(ZBOOT)),
    (36, b"\x18\x28\x6f\x01", Kind("a 32-bit Arm zImage")),
    (0, b"070701", Kind(CPIO)),
    (0, b"070702", Kind(CPIO)),
    (0, b"070707", Kind(ODC)),
    (0, b"\xc7\x71", Kind(OLD_CPIO)),
    (0, b"\x71\xc7", Kind(OLD_CPIO)),
    (257, b"ustar", Kind(TAR)),
    (0, b"#!", Kind(SCRIPT)),
    (0, b"PK\x03\x04", Kind("a zip archive")),
    (0, b"!<arch>\n", Kind("an ar archive such as a .deb")),
    (0, b"ANDROID!", Kind("an Android boot image")),
    (1080, b"\x53\xef", Kind("an ext2, ext3 or ext4 file system", file_system=True)),
    (0, b"hsqs", Kind("a squashfs file system", file_system=True)),
    (0, b"\x45\x3d\xcd\x28", Kind("a cramfs file system", file_system=True)),
    (0, b"-rom1fs-", Kind("a romfs file system", file_system=True)),
    (1024, b"\xe2\xe1\xf5\xe0", Kind("an EROFS file system", file_system=True)),
    (512, b"EFI PART", Kind("an image of a disk with a GUID partition table")),
    (0, b"MZ", Kind("an EFI program for another architecture")),
)
"""Offset, bytes there, and what a file with them is; the first that fits."""


def kind_of(head: bytes) -> Kind:
    """Return what a file is; one of no known kind is described by its first bytes.

    Args:
        head: Its first `HEAD_BYTES`, or all of it.
    """
    for offset, magic, kind in _KINDS:
        if head[offset : offset + len(magic)] == magic:
            return kind
    return Kind(f"of no known kind and starts with {head[:8].hex(' ')}", is_known=False) if head else Kind(EMPTY)


def device_tree_source(head: bytes) -> bool:
    """Tell whether a file is the source of a device tree."""
    return b"/dts-v1/" in head and b"\0" not in head
