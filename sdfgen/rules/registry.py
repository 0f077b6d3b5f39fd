"""The register of rules: code, title, function; `sdfgen explain` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

    RuleFunction = Callable[[System], Iterator[Fault]]


class Rule(NamedTuple):
    """A rule; its function's docstring says why it is one."""

    code: str
    title: str
    function: RuleFunction


T = TypeVar("T")

RULES: dict[str, Rule] = {}
"""All rules by code, in the order of their definition."""


def rule(code: str, title: str) -> Callable[[RuleFunction], RuleFunction]:
    """Register the decorated function as the rule with this code."""

    def register(function: RuleFunction) -> RuleFunction:
        if code in RULES:
            raise ValueError(f"two rules have the code {code}")
        RULES[code] = Rule(code, title, function)
        return function

    return register


class Shared(Generic[T]):
    """A list that several rules go through, made once for each system: decorates the function that yields it."""

    def __init__(self, function: Callable[[System], Iterator[T]]) -> None:
        self._function = function
        self._system: System | None = None
        self._made: tuple[T, ...] = ()

    def __call__(self, system: System) -> tuple[T, ...]:
        """Return the list for a system; the last one is kept."""
        if self._system is not system:
            self._made = tuple(self._function(system))
            self._system = system
        return self._made


def fault(
    code: str,
    message: str,
    place: tuple[Origin, str],
    advice: str,
    other: Iterable[tuple[Origin, str, str]] = (),
    severity: str = "error",
) -> Fault:
    """Make a rule's fault.

    Args:
        code: The rule's code.
        message: What is wrong.
        place: The origin and the key to change.
        advice: What to do.
        other: Origin, key and words for each place that takes part.
        severity: `error` or `warning`.
    """
    origin, name = place
    notes = tuple((o.at(n), words) for o, n, words in other)
    return Fault(code, message, origin.at(name), advice, notes, severity)
