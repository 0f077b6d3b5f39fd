"""sDDF 0.7's own way to tell a client or a driver of its serial queues: a structure in its program image.

Layouts and magic are those of struct serial_client_config and struct serial_driver_config in sDDF's
include/sddf/serial/config.h, tag 0.7.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sdfgen.records import NamedTuple
from sdfgen.subsystems.roles import ElfValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.schema.table import Table
    from sdfgen.subsystems.console.model import Ends

VERSION: Final = "sDDF 0.7"
CLIENT_SECTION: Final = "[.serial_client_config]"
DRIVER_SECTION: Final = "[.serial_driver_config]"
MAGIC: Final = (*b"sDDF", 3)
INDICES_BYTES: Final = 12
"""sizeof(serial_queue_t)."""
_POINTER, _U64, _U8 = 8, 8, 1


class KeyOrigin(NamedTuple):
    """What asks for a structure: one key of a table."""

    table: Table
    key: str

    def at(self, _name: str) -> Where:
        """Return the key's place."""
        return self.table.at(self.key)

    def given(self, name: str) -> bool:
        """Tell whether the author wrote a property of the structure; no one of them is his."""
        return name == self.key


def client_config(image: str, ends: Ends, origin: KeyOrigin) -> Iterator[ElfValue]:
    """Yield what goes into a client's structure.

    Args:
        image: Its program image.
        ends: How it sees its connection.
        origin: What asks for it.
    """
    for member, value, size_bytes, why in _connection(ends):
        yield ElfValue(image, CLIENT_SECTION + member, value, size_bytes, origin, why)


def driver_config(
    image: str, ends: Ends, channels: tuple[int, int], baud: int, origin: KeyOrigin
) -> Iterator[ElfValue]:
    """Yield what goes into a driver's structure.

    Args:
        image: Its program image.
        ends: How it sees its connection.
        channels: Its channels for what it sends and for what it received, which it tells apart.
        baud: Its speed.
        origin: What asks for it.
    """
    values = {member: (value, size, why) for member, value, size, why in _connection(ends)}
    values[".tx.id"] = (channels[0], _U8, "channel to the multiplexer")
    values[".rx.id"] = (channels[1], _U8, "the second channel to the multiplexer")
    values[".default_baud"] = (baud, _U64, "baud of [console]")
    values[".rx_enabled"] = (1, _U8, "consoles have input")
    for member, (value, size_bytes, why) in values.items():
        yield ElfValue(image, DRIVER_SECTION + member, value, size_bytes, origin, why)


def _connection(ends: Ends) -> Iterator[tuple[str, Any, int, str]]:
    yield ".magic", MAGIC, _U8, f"magic of {VERSION}'s serial class"
    for name, queue in (("rx", ends.rx), ("tx", ends.tx)):
        yield f".{name}.queue.vaddr", queue.indices, _POINTER, f"indices of its {name} queue"
        yield f".{name}.queue.size", INDICES_BYTES, _U64, f"their size in {VERSION}"
        yield f".{name}.data.vaddr", queue.data, _POINTER, f"bytes of its {name} queue"
        yield f".{name}.data.size", queue.size_bytes, _U64, "queue_size of [console]"
        yield f".{name}.id", ends.channel, _U8, "channel to the multiplexer"
