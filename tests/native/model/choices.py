"""Where a random program's choices come from: hypothesis, which shrinks what fails, or a seed, which is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

T = TypeVar("T")


class Choices(Protocol):
    """A source of choices."""

    def pick(self, values: Sequence[T]) -> T:
        """One of these."""

    def number(self, first: int, last: int) -> int:
        """A number from first to last."""

    def order(self, count: int) -> list[int]:
        """The numbers below count, in any order."""


class Seeded:
    """Choices of a pseudo-random generator."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def pick(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def number(self, first: int, last: int) -> int:
        return self.random.randint(first, last)

    def order(self, count: int) -> list[int]:
        return self.random.sample(range(count), count)


class Drawn:
    """Choices of hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(values))

    def number(self, first: int, last: int) -> int:
        return self.draw(st.integers(first, last))

    def order(self, count: int) -> list[int]:
        return self.draw(st.permutations(range(count)))


def one_in(choices: Choices, count: int) -> bool:
    """True once in so many times; what shrinks is False."""
    return choices.number(0, count - 1) == count - 1
