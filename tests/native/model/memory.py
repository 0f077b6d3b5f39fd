"""A guest's memory: regions that are adjacent or not, addressed by guest-physical addresses."""

from __future__ import annotations

from typing import NamedTuple

ADDRESSES = 1 << 64


class Region(NamedTuple):
    """What lies from `gpa` on."""

    gpa: int
    content: bytearray


class GuestMemory:
    """All of a guest's RAM."""

    def __init__(self, *regions: Region) -> None:
        self.regions = regions

    def _pieces(self, gpa: int, size: int) -> list[tuple[bytearray, int, int]] | None:
        """Content, first and last of each region's part of a range. None when any of it is not RAM."""
        pieces = []
        while size > 0:
            here = [region for region in self.regions if region.gpa <= gpa < region.gpa + len(region.content)]
            if not here:
                return None
            first = gpa - here[0].gpa
            last = min(first + size, len(here[0].content))
            pieces.append((here[0].content, first, last))
            size -= last - first
            gpa += last - first
            if size > 0 and gpa >= ADDRESSES:
                return None
        return pieces

    def holds(self, gpa: int, size: int) -> bool:
        return self._pieces(gpa, size) is not None

    def read(self, gpa: int, size: int) -> bytes | None:
        """The bytes of a range, or None when any of it is not RAM."""
        pieces = self._pieces(gpa, size)
        return None if pieces is None else b"".join(content[first:last] for content, first, last in pieces)

    def write(self, gpa: int, data: bytes) -> None:
        """Writes to a range that is RAM."""
        for content, first, last in self._pieces(gpa, len(data)) or ():
            content[first:last] = data[: last - first]
            data = data[last - first :]
