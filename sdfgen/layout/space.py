"""Addresses that do not overlap. Same questions, same answers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, round_up


def natural_alignment(size_bytes: int) -> int:
    """Return the largest page size that a region of this size can use throughout."""
    return LARGE_PAGE_BYTES if size_bytes % LARGE_PAGE_BYTES == 0 else PAGE_BYTES


def page_range(start: int, size_bytes: int) -> tuple[int, int]:
    """Return start and size of the whole 4 KiB pages that cover a range."""
    base = start - start % PAGE_BYTES
    return base, round_up(start + size_bytes, PAGE_BYTES) - base


class Space:
    """An address space: ranges that are taken, and a first-fit search for what is free."""

    def __init__(self) -> None:
        # Disjoint, ascending and never touching: neighbours are joined, so that a row of regions is one range.
        self._starts: list[int] = []
        self._ends: list[int] = []

    def copy(self) -> Space:
        """Return a space of its own with the same ranges taken."""
        other = Space()
        other._starts, other._ends = self._starts.copy(), self._ends.copy()
        return other

    def take(self, start: int, size_bytes: int) -> None:
        """Mark a range as taken; taken ranges may overlap each other."""
        if size_bytes <= 0:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, start + size_bytes)
        low = min([start, *self._starts[first:last]])
        high = max([start + size_bytes, *self._ends[first:last]])
        self._starts[first:last] = [low]
        self._ends[first:last] = [high]

    def place(self, size_bytes: int, alignment: int, start: int, end: int) -> int | None:
        """Take the lowest free range of [start, end) and return its address; None when there is none.

        Args:
            size_bytes: Its size.
            alignment: What its address must be a multiple of.
            start: First address that will do.
            end: First address beyond what will do.
        """
        candidate = round_up(start, alignment)
        for index in range(bisect_right(self._ends, candidate), len(self._starts)):
            if self._starts[index] >= candidate + size_bytes:
                break
            candidate = max(candidate, round_up(self._ends[index], alignment))
        if candidate + size_bytes > end:
            return None
        self.take(candidate, size_bytes)
        return candidate
