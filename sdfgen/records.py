"""`NamedTuple` for this program's values: type checkers see that of `typing`, and a start pays far less for each.

That of `typing` compiles the type of every field, and `collections` a constructor for every class. Here classes with as
many fields share one that is compiled once.
"""

from __future__ import annotations

from operator import itemgetter
from types import FunctionType

TYPE_CHECKING = False
"""That of `typing`, known to type checkers by its name: a build with nothing to do is a sixth faster without typing."""

if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Self
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - for others to import
else:
    _MOST_FIELDS = 64
    _GETTERS = tuple(property(itemgetter(index)) for index in range(_MOST_FIELDS))
    _NEW = {"_new": tuple.__new__}
    _EVALUATED = 1
    """`annotationlib.Format.VALUE`, whose import would cost more than all classes here."""
    _codes: dict[int, CodeType] = {}

    class _Record(tuple):
        """What all named tuples have in common."""

        __slots__ = ()

        def _replace(self, /, **changes: object) -> Self:
            return type(self)(**{**self._asdict(), **changes})

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            """Write it as it is made."""
            values = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            """Let it be copied."""
            return tuple(self)

    def _constructor(fields: tuple[str, ...], defaults: tuple[Any, ...]) -> FunctionType:
        count = len(fields)
        if count not in _codes:
            names = "".join(f"_{index}," for index in range(count))
            _codes[count] = eval(f"lambda _cls, {names}: _new(_cls, ({names}))").__code__  # noqa: S307 - our own text
        code = _codes[count].replace(co_varnames=("_cls", *fields))
        return FunctionType(code, _NEW, "__new__", defaults)

    def _annotations(body: dict[str, Any]) -> dict[str, Any]:
        """Return the annotations of a class body: from Python 3.14 on, those to be evaluated are a function."""
        annotate = body.get("__annotate_func__")
        return body.get("__annotations__", {}) if annotate is None else annotate(_EVALUATED)

    class _Maker(type):
        """Makes a named tuple of a class body: its annotations are the fields."""

        def __new__(cls, name: str, _: tuple[type, ...], body: dict[str, Any]) -> type:
            """Return the named tuple."""
            fields = tuple(_annotations(body))
            defaults = {field: body[field] for field in fields if field in body}
            body.update(zip(fields, _GETTERS, strict=False), _fields=fields, _field_defaults=defaults)
            body.update(__match_args__=fields, __slots__=(), __new__=_constructor(fields, tuple(defaults.values())))
            return type(name, (_Record,), body)

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})


def plain(value: Any) -> Any:  # noqa: ANN401 - values are of any type
    """Return a value made of dictionaries and lists, as JSON has them; no number in one is beyond 2^53.

    Args:
        value: A named tuple, a tuple, a text, a number or None.
    """
    if hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in zip(value._fields, value, strict=True)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value
