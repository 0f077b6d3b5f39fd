"""Places things above each other, each as near as can be to where it wants to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def stacked(wanted: Sequence[float], sizes: Sequence[float], gap: float) -> list[float]:
    """Return middles that keep the order and a gap, with the least squares of distances to those that are wanted.

    What would overlap is pooled to one block, which lies where the mean of its parts wants it (isotonic regression).

    Args:
        wanted: The middle that each wants, in the order that is kept.
        sizes: How long each is.
        gap: What must be between two.
    """
    offsets, end = [], 0.0
    for size in sizes:
        offsets.append(end + size / 2)
        end += size + gap
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        place, count = want - offset, 1
        while blocks and blocks[-1][0] > place:
            before, number = blocks.pop()
            place, count = (place * count + before * number) / (count + number), count + number
        blocks.append((place, count))
    places = [place for place, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]
