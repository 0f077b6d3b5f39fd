"""Plans a patch and reads values back, with pyelftools alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from patcher import errors, rules
from patcher.errors import PatchError, raise_all
from patcher.reader import read_image
from patcher.source import opened
from patcher.values import PatchRecord, PatchRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patcher.source import Source
    from patcher.values import Image, Leaf, Place


class Survey(NamedTuple):
    """What pyelftools says about a file and a set of requests.

    Attributes:
        requests: The requests, each symbol once.
        leaves: What debug information says about requested paths.
        places: Where each value goes.
        records: What each patch does.
    """

    requests: tuple[PatchRequest, ...]
    leaves: dict[str, Leaf | PatchError]
    places: tuple[Place, ...]
    records: tuple[PatchRecord, ...]


def survey(
    source: Source, requests: Iterable[PatchRequest], leaves: dict[str, Leaf | PatchError] | None = None
) -> Survey:
    """Find the place and the present bytes of every requested variable.

    Args:
        source: The file.
        requests: The values.
        leaves: What debug information says, when that is known already.

    Raises:
        PatchError: A request cannot be met, or the file cannot be read.
    """
    distinct = rules.distinct(source.path, requests)
    image = read_image(source, rules.wanted_names(distinct))
    if leaves is None:
        leaves = _leaves(source, image, distinct)
    places = rules.places(image, distinct, leaves)
    records = tuple(_record(source, place) for place in places)
    return Survey(distinct, leaves, places, records)


def plan_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Return what a patch of the file would do; see `patcher.plan_file`."""
    with opened(path) as source:
        return survey(source, requests).records


def verify_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Check that every variable has the requested value; see `patcher.verify_file`."""
    records = plan_file(path, requests)
    raise_all([_difference(path, record) for record in records if record.old != record.new])
    return records


def read_values(path: str, symbols: Iterable[str]) -> dict[str, int]:
    """Return the value of each variable; see `patcher.read_values`."""
    requests = [PatchRequest(symbol, 0, None) for symbol in symbols]
    return {record.symbol: int.from_bytes(record.old, "little") for record in plan_file(path, requests)}


def _leaves(source: Source, image: Image, requests: Iterable[PatchRequest]) -> dict[str, Leaf | PatchError]:
    targets = {}
    for request in requests:
        base = rules.base_of(request.symbol)
        if base and request.symbol not in image.symbols and len(image.symbols.get(base, ())) == 1:
            targets[request.symbol] = image.symbols[base][0].vaddr
    if not targets:
        return {}
    from patcher.dwarf import find_leaves

    return find_leaves(source, targets)


def _record(source: Source, place: Place) -> PatchRecord:
    old = os.pread(source.stream.fileno(), len(place.new), place.file_offset)
    return PatchRecord(place.symbol, place.vaddr, place.file_offset, old, place.new)


def _difference(path: str, record: PatchRecord) -> PatchError:
    found, wanted = (int.from_bytes(value, "little") for value in (record.old, record.new))
    message = f"`{record.symbol}` at {record.vaddr:#x} is {found:#x} instead of {wanted:#x}; patch the file"
    return PatchError(errors.DIFFERS, message, path, record.symbol)
