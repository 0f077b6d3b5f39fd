"""The command line: `python -m patcher INPUT SYMBOL=VALUE[:SIZE]...`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import click

from patcher import PatchError, PatchRecord, PatchRequest, patch_file, plan_file, verify_file

if TYPE_CHECKING:
    from collections.abc import Sequence

_REQUEST: Final = re.compile(
    r"(?P<symbol>.+)=(?P<value>-?(?:0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|[0-9]+(?:_[0-9]+)*))"
    r"(?::(?P<size>[1248]|auto))?",
    re.DOTALL,
)
_MAX_CHARACTERS: Final = 4096
_SHOWN_CHARACTERS: Final = 80
_HEADINGS: Final = ("symbol", "vaddr", "file offset", "old", "new")


def parse_requests(
    _context: click.Context, _parameter: click.Parameter, texts: Sequence[str]
) -> tuple[PatchRequest, ...]:
    """Parse arguments of the form `SYMBOL=VALUE[:SIZE]`.

    Args:
        texts: The arguments; a size is a number of bytes or `auto`.

    Raises:
        click.BadParameter: One has another form.
    """
    return tuple(_request(text) for text in texts)


def _request(text: str) -> PatchRequest:
    match = _REQUEST.fullmatch(text) if len(text) < _MAX_CHARACTERS else None
    if not match:
        message = f"{text[:_SHOWN_CHARACTERS]!r} is not SYMBOL=VALUE[:SIZE], such as base=0x4000_0000 or flag=1:4"
        raise click.BadParameter(message)
    size = match["size"] or "8"
    number = int(match["value"], 16 if "x" in match["value"].lower() else 10)
    return PatchRequest(match["symbol"], number, None if size == "auto" else int(size))


@click.command(name="patch")
@click.argument("path", metavar="INPUT")
@click.argument("requests", nargs=-1, required=True, metavar="SYMBOL=VALUE[:SIZE]...", callback=parse_requests)
@click.option("-o", "--output", metavar="OUTPUT", help="File to write; INPUT itself when it is not given.")
@click.option("--dry-run", is_flag=True, help="Only print what would be written.")
@click.option("--verify-only", is_flag=True, help="Only check that INPUT has the values.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the report.",
)
def command(
    path: str,
    requests: tuple[PatchRequest, ...],
    output: str | None,
    *,
    dry_run: bool,
    verify_only: bool,
    form: str,
) -> None:
    """Write numbers into variables of the linked ELF file INPUT.

    SYMBOL is a name of the symbol table, or, in a file with debug information, a path such as
    config.clients[2].base. VALUE is decimal or hexadecimal (0x4000_0000). SIZE is the size that the
    variable must have: 1, 2, 4, 8 (the default) or auto.

    Nothing but the variables changes. When one value cannot be written, none is.
    """
    if verify_only and (dry_run or output is not None):
        raise click.UsageError("--verify-only writes nothing: leave out --dry-run and --output")
    try:
        if verify_only:
            records = verify_file(path, requests)
        elif dry_run:
            records = plan_file(path, requests)
        else:
            records = patch_file(path, path if output is None else output, requests)
    except PatchError as error:
        _report_faults(error, form)
        sys.exit(1)
    click.echo(_json({"patches": [_fields(record) for record in records]}) if form == "json" else _table(records))


def _report_faults(error: PatchError, form: str) -> None:
    if form == "json":
        names = ("code", "message", "path", "symbol")
        click.echo(_json({"faults": [{name: getattr(fault, name) for name in names} for fault in error.faults]}))
        return
    for fault in error.faults:
        click.echo(str(fault), err=True)


def _fields(record: PatchRecord) -> dict[str, str | int]:
    return {
        "symbol": record.symbol,
        "size_bytes": len(record.new),
        "vaddr": f"{record.vaddr:#x}",
        "file_offset": f"{record.file_offset:#x}",
        "old": _number(record.old),
        "new": _number(record.new),
    }


def _number(value: bytes) -> str:
    return f"0x{int.from_bytes(value, 'little'):0{2 * len(value)}x}"


def _table(records: Sequence[PatchRecord]) -> str:
    rows = [_HEADINGS]
    rows += [
        (one.symbol, f"{one.vaddr:#x}", f"{one.file_offset:#x}", _number(one.old), _number(one.new)) for one in records
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _json(value: object) -> str:
    from json import dumps

    return dumps(value, indent=2)
