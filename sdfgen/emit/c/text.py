"""C text that several tables are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.initialiser import Ref, initialiser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.model.system import System

NULL = Ref("NULL")


def define(name: str, value: object, *, array: bool = False) -> str:
    """Return a definition: what stands before the equals sign, and its value as an initialiser."""
    start = f"{name}{'[]' if array else ''} = "
    return f"{start}{initialiser(value, lead=len(start))};\n"


def includes(*names: str) -> str:
    """Return `#include` lines for headers of ours."""
    return "".join(f"#include <sdfgen/{name}.h>\n" for name in names) + "\n"


def table(name: str, kind: str, rows: list[object]) -> tuple[str, dict[str, object]]:
    """Return a static table, and pointer and count of it for who refers to it; without rows there is none.

    Args:
        name: The variable's name.
        kind: The type of its rows.
        rows: The rows.
    """
    if not rows:
        return "", {"at": NULL, "count": 0}
    return define(f"static const {kind} {name}", rows, array=True) + "\n", {"at": Ref(name), "count": len(rows)}


def patched(symbols: Iterable[str]) -> str:
    """Return variables that take physical addresses."""
    return "".join(f"SDFGEN_PATCHED uint64_t {symbol} = PHYS_ADDR_UNPATCHED;\n" for symbol in symbols) + "\n"


def with_head(system: System, text: str) -> bytes:
    """Return a generated file's content, which says where it comes from."""
    head = f"/* Made by sdfgen for {system.name} on {system.board.name}: changes are lost at the next build. */\n"
    return (head + text).encode()
