"""Our named tuples are what typing's are, for those who make and use values."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from sdfgen import records


class Ours(records.NamedTuple):
    """One of ours."""

    name: str
    size: int = 4096
    more: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.size + 1

    @classmethod
    def of(cls, name: str) -> Ours:
        return cls(name)


class Theirs(typing.NamedTuple):
    """One of typing's."""

    name: str
    size: int = 4096
    more: tuple[str, ...] = ()


class Other(records.NamedTuple):
    """As many fields, other names."""

    first: int
    second: int
    third: int = 3


class Nothing(records.NamedTuple):
    """Without fields."""


def test_values_are_alike() -> None:
    ours, theirs = Ours("a", more=("b",)), Theirs("a", more=("b",))
    assert tuple(ours) == tuple(theirs) == ("a", 4096, ("b",))
    assert (ours.name, ours.size, ours.more) == tuple(theirs)
    assert (ours == ("a", 4096, ("b",)), hash(ours)) == (True, hash(theirs))
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert tuple(ours._replace(size=1)) == tuple(theirs._replace(size=1))
    assert (Ours._fields, Ours._field_defaults) == (Theirs._fields, Theirs._field_defaults)


def test_methods_stay() -> None:
    assert Ours.of("a").end == 4097
    assert Ours.__doc__ == "One of ours."
    assert isinstance(Ours("a"), Ours)
    assert type(Ours("a")._replace(name="b")) is Ours


EVALUATED: typing.Final = """
from sdfgen import records

class Evaluated(records.NamedTuple):
    name: str
    size: int = 4096
"""


def test_annotations_may_be_evaluated() -> None:
    """As they are where nothing is imported from `__future__`: from Python 3.14 on, only when somebody asks."""
    names: dict[str, typing.Any] = {"__name__": __name__}
    exec(compile(EVALUATED, "evaluated", "exec", dont_inherit=True), names)  # noqa: S102 - our own
    kind = names["Evaluated"]
    assert kind("a")._asdict() == {"name": "a", "size": 4096}
    assert kind.__annotations__ == {"name": str, "size": int}


def test_classes_with_as_many_fields_have_constructors_of_their_own() -> None:
    assert Other(second=2, first=1) == (1, 2, 3)
    assert Other.__new__.__defaults__ == (3,)


def test_nothing_is_a_value_too() -> None:
    assert Nothing() == ()
    assert repr(Nothing()) == "Nothing()"


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", 1, (), 4), {}), (("a",), {"name": "b"}), (("a",), {"colour": "red"})],
    ids=["none", "too-many", "twice", "unknown"],
)
def test_wrong_arguments_are_refused(values: tuple[typing.Any, ...], named: dict[str, typing.Any]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_fields_are_not_assigned_to() -> None:
    value: typing.Any = Ours("a")
    for name in ("name", "colour"):
        with pytest.raises(AttributeError):
            setattr(value, name, "b")


def test_they_are_copied_and_pickled() -> None:
    value = Ours("a", 1)
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301 - our own
        assert (other, type(other)) == (value, Ours)


def test_they_are_matched() -> None:
    match Ours("a", 1):
        case Ours(name, size):
            assert (name, size) == ("a", 1)
        case _:
            pytest.fail("not matched")
