"""Plans a patch and reads values back, with pyelftools alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from patcher import errors, rules
from patcher.encoding import decoded, shown
from patcher.errors import PatchError, raise_all
from patcher.facts import facts, unseen_fault, value_types
from patcher.reader import read_image
from patcher.source import opened
from patcher.values import Leaf, PatchRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patcher.facts import Facts
    from patcher.source import Source
    from patcher.values import PatchRequest, PatchWarning, Place, TypeLeaf


class Survey(NamedTuple):
    """What pyelftools says about a file and a set of requests.

    Attributes:
        requests: The requests, each symbol once.
        facts: What debug information says about them.
        places: Where each value goes.
        records: What each patch does.
    """

    requests: tuple[PatchRequest, ...]
    facts: Facts
    places: tuple[Place, ...]
    records: tuple[PatchRecord, ...]


def survey(source: Source, requests: Iterable[PatchRequest], known: Facts | None = None) -> Survey:
    """Find the place and the present bytes of every requested variable.

    Args:
        source: The file.
        requests: The values.
        known: What debug information says, when that is known already.

    Raises:
        PatchError: A request cannot be met, or the file cannot be read.
    """
    distinct = rules.distinct(source.path, requests)
    image = read_image(source, rules.wanted_names(request.symbol for request in distinct))
    found = facts(source, image, distinct) if known is None else known
    places = rules.places(image, distinct, found.leaves)
    records = tuple(
        _record(source, place, request.value, found.warnings.get(place.symbol))
        for place, request in zip(places, distinct, strict=True)
    )
    return Survey(distinct, found, places, records)


def plan_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Return what a patch of the file would do; see `patcher.plan_file`."""
    with opened(path) as source:
        return survey(source, requests).records


def verify_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Check that every variable has the requested value; see `patcher.verify_file`."""
    records = plan_file(path, requests)
    raise_all([_difference(path, record) for record in records if record.old != record.new])
    return records


def read_values(path: str, symbols: Iterable[str]) -> dict[str, int | tuple[int, ...] | str]:
    """Return the value of each variable; see `patcher.read_values`."""
    names = tuple(dict.fromkeys(symbols))
    with opened(path) as source:
        image = read_image(source, rules.wanted_names(names))
        leaves = value_types(source, image, names)
        places, faults = [], []
        for name in names:
            try:
                places.append(rules.place_of(image, name, leaves.get(name)))
            except PatchError as fault:
                faults.append(fault)
        raise_all(faults)
        return {place.symbol: _value(source, place, leaves.get(place.symbol)) for place in places}


def describe_type(path: str, symbol: str) -> tuple[TypeLeaf, ...]:
    """Return the parts of a variable; see `patcher.describe_type`."""
    from patcher.debug_info import DebugInfo, LostError, UnseenError
    from patcher.dwarf import Types

    with opened(path) as source:
        image = read_image(source, rules.wanted_names((symbol,)))
        entry = rules.variable(image, symbol)
        try:
            return Types(DebugInfo(source, {entry})).leaves(symbol, rules.start_of(image, symbol), entry)
        except LostError as lost:
            raise PatchError(errors.BAD_PATH, f"`{symbol}` leads to no type: {lost}", path, symbol) from None
        except UnseenError as unseen:
            raise unseen_fault(path, symbol, unseen) from None


def _value(source: Source, place: Place, leaf: Leaf | PatchError | None) -> int | tuple[int, ...] | str:
    return decoded(_bytes_at(source, place), leaf if isinstance(leaf, Leaf) else None)


def _record(
    source: Source, place: Place, value: int | tuple[int, ...] | str, warning: PatchWarning | None
) -> PatchRecord:
    old, warnings = _bytes_at(source, place), (warning,) if warning else ()
    return PatchRecord(place.symbol, place.vaddr, place.file_offset, old, place.new, value, warnings)


def _bytes_at(source: Source, place: Place) -> bytes:
    return os.pread(source.stream.fileno(), len(place.new), place.file_offset)


def _told(content: bytes, value: int | tuple[int, ...] | str) -> str:
    return f"{int.from_bytes(content, 'little'):#x}" if isinstance(value, int) else shown(content, value)


def _difference(path: str, record: PatchRecord) -> PatchError:
    found, wanted = (_told(content, record.value) for content in (record.old, record.new))
    message = f"`{record.symbol}` at {record.vaddr:#x} is {found} instead of {wanted}; patch the file"
    return PatchError(errors.DIFFERS, message, path, record.symbol)
