"""What a VMM's program image holds of its guest: libvmm's `package_guest_images.S` has a symbol around each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from sdfgen.read.flat_tree import MOST_BYTES
from sdfgen.read.memory import UnreadableError
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.elf.elffile import ELFFile

_KINDS = ("kernel", "dtb", "initrd")
_MARK = b"_guest_kernel_image\0"


class GuestImage(NamedTuple):
    """A file of a guest: its size, and all of it, or of a longer one what it begins with."""

    size_bytes: int
    head: bytes


def guest_images(path: str, names: bytes) -> dict[str, GuestImage]:
    """Return the files that an image holds: `kernel`, `dtb` and `initrd`, those that are not empty.

    Args:
        path: The ELF.
        names: The names of its sections and symbols.

    Raises:
        UnreadableError: It is no sound ELF.
    """
    if _MARK not in names:
        return {}
    from elftools.elf.elffile import ELFFile

    try:
        with open(path, "rb") as file:
            return dict(_found(ELFFile(file), file))
    except Exception as error:  # whatever the library stumbles over in a file that somebody cut or overwrote
        raise UnreadableError(f"it is no sound ELF file ({type(error).__name__})") from error


def _found(elf: ELFFile, file: BinaryIO) -> Iterator[tuple[str, GuestImage]]:
    from sdfgen.read.program import symbol_entries

    addresses = {name: symbol.address for name, _, symbol in symbol_entries(elf) or () if name.startswith(b"_guest_")}
    segments = [(s["p_vaddr"], s["p_filesz"], s["p_offset"]) for s in elf.iter_segments("PT_LOAD")]
    for kind in _KINDS:
        start = addresses.get(f"_guest_{kind}_image".encode())
        end = addresses.get(f"_guest_{kind}_image_end".encode())
        for address, size_bytes, offset in segments:
            if start is not None and end is not None and address <= start < end <= address + size_bytes:
                file.seek(offset + start - address)
                head = file.read(min(end - start, MOST_BYTES))
                if any(head):
                    yield kind, GuestImage(end - start, head)
