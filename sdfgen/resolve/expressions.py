"""Values of `[[patch]]` tables: arithmetic over the system's addresses, sizes and ids."""

from __future__ import annotations

import ast
import operator
import warnings
from typing import TYPE_CHECKING, TypeVar

from sdfgen.faults.fault import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sdfgen.model.system import System

MAX_LENGTH = 1000
MAX_SHIFT = 64
_OF_REGIONS = ("phys_addr", "size", "vaddr")
_VALUE_BITS = 128
_Value = TypeVar("_Value")

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}


class ExpressionError(Exception):
    """What is wrong with an expression, in words."""


class UnknownYet(Exception):  # noqa: N818 - not an error: the address is learned later
    """The value needs a physical address that Microkit has not chosen yet."""


def evaluate(text: str, system: System) -> int:
    """Return the value of an expression.

    Args:
        text: The expression, such as `phys_addr('block_virt_data') + 0x1000`.
        system: What its functions look names up in.

    Raises:
        ExpressionError: When it is malformed or names something that does not exist.
        UnknownYet: When it needs a physical address that Microkit chooses.
    """
    return _evaluated(text, lambda node: _value(node, system))


def evaluate_all(text: str, system: System) -> int | tuple[int, ...]:
    """Return the value of an expression, or those of a list of expressions in brackets.

    Args:
        text: The expression or the list.
        system: What its functions look names up in.

    Raises:
        ExpressionError: When one is malformed or names something that does not exist.
        UnknownYet: When one needs a physical address that Microkit chooses.
    """

    def values(node: ast.expr) -> int | tuple[int, ...]:
        return tuple(_value(item, system) for item in node.elts) if isinstance(node, ast.List) else _value(node, system)

    return _evaluated(text, values)


def _evaluated(text: str, value: Callable[[ast.expr], _Value]) -> _Value:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    try:
        return value(_parsed(text))
    except (SyntaxError, ValueError, MemoryError) as error:
        raise ExpressionError("not an expression of numbers, functions and operators") from error
    except RecursionError as error:
        raise ExpressionError("nested too deeply") from error
    except ZeroDivisionError as error:
        raise ExpressionError("divides by zero") from error


def regions_in(text: str, functions: Sequence[str] = _OF_REGIONS) -> set[str]:
    """Return the memory regions that an expression names; none of one that is malformed.

    Args:
        text: The expression.
        functions: Of which functions they are arguments.
    """
    try:
        calls = [node for node in ast.walk(_parsed(text)) if isinstance(node, ast.Call) and node.args]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return set()
    firsts = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id in functions]
    return {first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)}


def _parsed(text: str) -> ast.expr:
    with warnings.catch_warnings():  # Python's advice on its own syntax, such as `1 is 2`
        warnings.simplefilter("ignore")
        return ast.parse(text.strip(), mode="eval").body


def _value(node: ast.expr, system: System) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return _bounded(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, system), _value(node.right, system)
        if isinstance(node.op, (ast.LShift, ast.RShift)) and not 0 <= right <= MAX_SHIFT:
            raise ExpressionError(f"shifts by {right}; 0 to {MAX_SHIFT} is possible")
        return _bounded(_OPERATORS[type(node.op)](left, right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, node.args, system)
    raise ExpressionError(f"`{ast.unparse(node)}` is not a number, a function or an operator that is known here")


def _bounded(value: int) -> int:
    if value.bit_length() > _VALUE_BITS:
        raise ExpressionError("a value grows beyond all addresses")
    return value


def _call(name: str, args: list[ast.expr], system: System) -> int:
    if name not in _FUNCTIONS:
        raise ExpressionError(f"unknown function `{name}`{suggestion(name, _FUNCTIONS)}")
    function, kinds = _FUNCTIONS[name]
    values = [arg.value for arg in args if isinstance(arg, ast.Constant) and type(arg.value) in (str, int)]
    if len(values) != len(args) or tuple(type(value) for value in values) != kinds:
        wanted = ", ".join("'NAME'" if kind is str else "NUMBER" for kind in kinds)
        raise ExpressionError(f"`{name}` takes ({wanted})")
    return function(system, *values)


def _find(kind: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        raise ExpressionError(f"no {kind} `{name}`{suggestion(name, known)}")


def _phys_addr(system: System, region: str) -> int:
    regions = system.region_index()
    _find("memory region", region, regions)
    address = regions[region].phys_addr
    if address is None:
        raise UnknownYet(region)
    return address


def _size(system: System, region: str) -> int:
    regions = system.region_index()
    _find("memory region", region, regions)
    return regions[region].size_bytes or 0


def _vaddr(system: System, region: str, owner: str) -> int:
    spaces = dict(system.spaces())
    _find("protection domain or virtual machine", owner, spaces)
    maps = {m.region: m.vaddr for m in reversed(spaces[owner])}
    _find(f"map in `{owner}` of memory region", region, maps)
    return maps[region]


def _channel(system: System, pd: str, other: str) -> int:
    _find("protection domain", pd, [p.name for p in system.all_pds()])
    ids: dict[tuple[str, str], int] = {}
    for channel in system.channels:
        if len(channel.ends) == 2:  # noqa: PLR2004 - others are faults of their own
            a, b = channel.ends
            ids.setdefault((a.pd, b.pd), a.id)
            ids.setdefault((b.pd, a.pd), b.id)
    _find(f"channel of `{pd}` with", other, [far for near, far in ids if near == pd])
    return ids[pd, other]


def _irq(system: System, pd: str, number: int) -> int:
    ids = {p.name: {irq.irq: irq.id for irq in p.irqs} for p in system.all_pds()}
    _find("protection domain", pd, ids)
    if number not in ids[pd]:
        raise ExpressionError(f"`{pd}` has no interrupt {number}")
    return ids[pd][number]


_FUNCTIONS: dict[str, tuple[Callable[..., int], tuple[type, ...]]] = {
    "phys_addr": (_phys_addr, (str,)),
    "size": (_size, (str,)),
    "vaddr": (_vaddr, (str, str)),
    "channel": (_channel, (str, str)),
    "irq": (_irq, (str, int)),
}
