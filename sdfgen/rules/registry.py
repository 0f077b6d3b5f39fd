"""The register of rules: code, title, function; `sdfgen explain` reads it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Generic, TypeVar

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

    RuleFunction = Callable[[System], Iterator[Fault]]
    BoardRuleFunction = Callable[[Board], Iterator[Fault]]


class Stage(enum.Enum):
    """When a rule runs: what an earlier stage has told of is not told again by what follows from it."""

    NAMES = enum.auto()
    """What has which name."""
    VALUES = enum.auto()
    """One value, or the name that it is."""
    SEVERAL = enum.auto()
    """Several held against each other."""


class Rule(NamedTuple):
    """A rule; its function's docstring says why it is one.

    Attributes:
        code: Its code.
        title: What must hold.
        function: Yields what does not.
        stage: When it runs.
        twice: It tells of a second thing with a name, for which all that is said of it is said of the first one too.
        on_board: It holds a system against the board file, and says nothing when that is wrong, or where there is none.
        placed: It judges addresses that may come out of the board file, and says nothing when that is wrong.
    """

    code: str
    title: str
    function: RuleFunction
    stage: Stage = Stage.SEVERAL
    twice: bool = False
    on_board: bool = False
    placed: bool = False


class BoardRule(NamedTuple):
    """A rule about a board file, judged before anything is resolved for that board."""

    code: str
    title: str
    function: BoardRuleFunction


T = TypeVar("T")
AnyRule = TypeVar("AnyRule", Rule, BoardRule)

RULES: dict[str, Rule] = {}
"""All rules by code, in the order of their definition."""


def rule(
    code: str,
    title: str,
    stage: Stage = Stage.SEVERAL,
    *,
    twice: bool = False,
    on_board: bool = False,
    placed: bool = False,
) -> Callable[[RuleFunction], RuleFunction]:
    """Register the decorated function as the rule with this code."""

    def register(function: RuleFunction) -> RuleFunction:
        _enter(RULES, Rule(code, title, function, stage, twice, on_board, placed))
        return function

    return register


BOARD_RULES: dict[str, BoardRule] = {}
"""All rules about board files by code, in the order of their definition."""


def board_rule(code: str, title: str) -> Callable[[BoardRuleFunction], BoardRuleFunction]:
    """Register the decorated function as the rule about board files with this code."""

    def register(function: BoardRuleFunction) -> BoardRuleFunction:
        _enter(BOARD_RULES, BoardRule(code, title, function))
        return function

    return register


def _enter(rules: dict[str, AnyRule], entry: AnyRule) -> None:
    if entry.code in rules:
        raise ValueError(f"two rules have the code {entry.code}")
    rules[entry.code] = entry


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
        severity: `error` when it is refused or cannot work, `warning` when it works by luck, `note` when it is unusual.
    """
    origin, name = place
    notes = tuple((o.at(n), words) for o, n, words in other)
    return Fault(code, message, origin.at(name), advice, notes, severity)
