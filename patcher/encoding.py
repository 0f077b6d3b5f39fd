"""Turns values into the bytes of variables, and such bytes into values and text."""

from __future__ import annotations

from json import dumps
from math import prod
from typing import TYPE_CHECKING, Final

from patcher import errors
from patcher.errors import PatchError

if TYPE_CHECKING:
    from patcher.values import Leaf, PatchRequest, Symbol

SIZES_BYTES: Final = (1, 2, 4, 8)
_NUL: Final = b"\0"


def encoded(path: str, request: PatchRequest, symbol: Symbol, leaf: Leaf | None) -> bytes:
    """Return the bytes that a variable is to have.

    Args:
        path: The file.
        request: The value.
        symbol: The symbol of the whole variable.
        leaf: Its type, where that is known; without, the size in the request is what tells of elements.

    Raises:
        PatchError: The variable cannot have this value.
    """
    try:
        if isinstance(request.value, str):
            return _text(request, request.value, symbol, leaf)
        if isinstance(request.value, tuple):
            return _array(request, request.value, symbol, leaf)
        return _number(request, request.value, symbol, leaf)
    except _RefusedError as refused:
        code, message = refused.args
        raise PatchError(code, message, path, request.symbol) from None


class _RefusedError(Exception):
    """A value is refused: the code, and the message."""


def _number(request: PatchRequest, value: int, symbol: Symbol, leaf: Leaf | None) -> bytes:
    name, wanted = request.symbol, request.size_bytes
    if leaf and leaf.dimensions:
        raise _RefusedError(errors.WRONG_VALUE, f"`{name}` is {_described(leaf)}, not a number; {_array_advice(leaf)}")
    size_bytes = leaf.size_bytes if leaf else symbol.size_bytes
    _check_wanted(request)
    _check_has_size(request, size_bytes)
    if wanted is None and size_bytes not in SIZES_BYTES:
        message = f"`{name}` has {count_of(size_bytes, 'byte')}, no integer; name a member or an element of it"
    elif wanted is not None and wanted != size_bytes:
        message = f"`{name}` has {count_of(size_bytes, 'byte')}, {wanted} requested; change its type or the request"
    else:
        return _element(name, value, size_bytes, leaf)
    raise _RefusedError(errors.WRONG_SIZE, message)


def _array(request: PatchRequest, values: tuple[int, ...], symbol: Symbol, leaf: Leaf | None) -> bytes:
    name, given = request.symbol, count_of(len(values), "number")
    if leaf and not leaf.dimensions:
        raise _RefusedError(errors.WRONG_VALUE, f"`{name}` is {_described(leaf)}, no array; give one number")
    _check_wanted(request)
    _check_has_size(request, symbol.size_bytes)
    size_bytes = leaf.size_bytes if leaf else request.size_bytes or 0
    if leaf and request.size_bytes not in {None, size_bytes}:
        message = f"an element of `{name}` has {count_of(size_bytes, 'byte')}, {request.size_bytes} requested"
        raise _RefusedError(errors.WRONG_SIZE, f"{message}; change its type or the request")
    if leaf and prod(leaf.dimensions) != len(values):
        count = prod(leaf.dimensions)
        raise _RefusedError(
            errors.WRONG_VALUE, f"`{name}` has {count_of(count, 'element')}, {given} given; give {count}"
        )
    if not leaf and symbol.size_bytes != size_bytes * len(values):
        message = f"`{name}` has {count_of(symbol.size_bytes, 'byte')}, {given} of {count_of(size_bytes, 'byte')} given"
        raise _RefusedError(errors.WRONG_SIZE, f"{message}; give as many as it has elements")
    return b"".join(_element(f"{name}[{index}]", value, size_bytes, leaf) for index, value in enumerate(values))


def _text(request: PatchRequest, value: str, symbol: Symbol, leaf: Leaf | None) -> bytes:
    name, wanted = request.symbol, request.size_bytes
    if leaf and not leaf.is_text:
        raise _RefusedError(errors.WRONG_VALUE, f"`{name}` is {_described(leaf)}; text needs an array of char")
    size_bytes = leaf.dimensions[0] if leaf else symbol.size_bytes
    if wanted not in {None, size_bytes}:
        message = (
            f"`{name}` has {count_of(size_bytes, 'byte')} for text, {wanted} requested; correct or leave out the size"
        )
        raise _RefusedError(errors.WRONG_SIZE, message)
    try:
        content = value.encode()
    except UnicodeEncodeError:
        raise _RefusedError(errors.WRONG_VALUE, f"the text for `{name}` is no Unicode; correct it") from None
    if _NUL in content:
        raise _RefusedError(errors.WRONG_VALUE, f"the text for `{name}` has a NUL inside, which ends it; leave it out")
    if len(content) >= size_bytes:
        message = f"`{name}` has {count_of(size_bytes, 'byte')}, the text takes {len(content) + 1} with its NUL"
        raise _RefusedError(errors.OUT_OF_RANGE, f"{message}; shorten it or enlarge the array")
    return content.ljust(size_bytes, _NUL)


def _element(name: str, value: int, size_bytes: int, leaf: Leaf | None) -> bytes:
    if value < 0:
        message = f"the value of `{name}`, {value}, is negative; values are unsigned"
    elif value.bit_length() > 8 * size_bytes:
        message = (
            f"the value of `{name}` has {value.bit_length()} bits and the variable has"
            f" {8 * size_bytes}; correct the value or its size"
        )
    elif leaf and leaf.kind == "boolean" and value > 1:
        message = f"`{name}` is a boolean, and {value} is none; give 0 or 1"
    else:
        return value.to_bytes(size_bytes, "little")
    raise _RefusedError(errors.OUT_OF_RANGE, message)


def _check_wanted(request: PatchRequest) -> None:
    wanted = request.size_bytes
    if wanted is not None and wanted not in SIZES_BYTES:
        message = f"{count_of(wanted, 'byte')} are requested for `{request.symbol}`; request 1, 2, 4 or 8"
        raise _RefusedError(errors.WRONG_SIZE, message)


def _check_has_size(request: PatchRequest, size_bytes: int) -> None:
    if size_bytes == 0:
        message = (
            f"`{request.symbol}` has no size; in assembly, add `.size {request.symbol}, {request.size_bytes or 8}`"
        )
        raise _RefusedError(errors.WRONG_SIZE, message)


def _described(leaf: Leaf) -> str:
    if leaf.is_text:
        return f"an array of {leaf.dimensions[0]} char"
    what = f"{leaf.kind} of {count_of(leaf.size_bytes, 'byte')}"
    return f"an array of {' times '.join(map(str, leaf.dimensions))}: {what}" if leaf.dimensions else f"one {what}"


def _array_advice(leaf: Leaf) -> str:
    count = prod(leaf.dimensions)
    return f"give text, or {count} numbers" if leaf.is_text else f"give {count} numbers, or name an element of it"


def count_of(count: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def decoded(content: bytes, leaf: Leaf | None) -> int | tuple[int, ...] | str:
    """Return the value that a variable's bytes stand for.

    Args:
        content: The bytes.
        leaf: The variable's type; without, the bytes are one number.
    """
    if leaf is None or not leaf.dimensions:
        return int.from_bytes(content, "little")
    if leaf.is_text:
        return content.split(_NUL)[0].decode(errors="surrogateescape")
    return tuple(_numbers(content, leaf.size_bytes))


def shown(content: bytes, value: int | tuple[int, ...] | str) -> str:
    """Return bytes as they are told.

    Args:
        content: The bytes of a variable.
        value: A value for it: the bytes are shown as a number, a list or text, as this is.
    """
    if isinstance(value, str):
        return dumps(content.rstrip(_NUL).decode(errors="backslashreplace"), ensure_ascii=False)
    if isinstance(value, tuple):
        size_bytes = len(content) // len(value)
        return f"[{', '.join(_hex(number, size_bytes) for number in _numbers(content, size_bytes))}]"
    return _hex(int.from_bytes(content, "little"), len(content))


def _numbers(content: bytes, size_bytes: int) -> list[int]:
    return [int.from_bytes(content[at : at + size_bytes], "little") for at in range(0, len(content), size_bytes)]


def _hex(number: int, size_bytes: int) -> str:
    return f"0x{number:0{2 * size_bytes}x}"
