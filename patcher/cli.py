"""The command line: `python -m patcher INPUT SYMBOL=VALUE[:SIZE]...`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import click

from patcher import PatchError, PatchRecord, PatchRequest, patch_file, plan_file, verify_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NUMBER: Final = r"-?(?:0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|[0-9]+(?:_[0-9]+)*)"
_REQUEST: Final = re.compile(
    rf"(?P<symbol>.+?)=(?:(?P<number>{_NUMBER})|\[(?P<array>{_NUMBER}(?:,\s*{_NUMBER})*)\]|\"(?P<text>.*)\")"
    r"(?::(?P<size>[0-9]{1,9}|auto))?",
    re.DOTALL,
)
_MAX_CHARACTERS: Final = 4096
_SHOWN_CHARACTERS: Final = 80
_NUMBER_SIZES: Final = (None, "1", "2", "4", "8", "auto")


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
    if not match or (match["number"] and match["size"] not in _NUMBER_SIZES):
        message = (
            f"{text[:_SHOWN_CHARACTERS]!r} is not SYMBOL=VALUE[:SIZE], such as base=0x4000_0000, flag=1:4,"
            ' bases=[1, 2] or name="disk"'
        )
        raise click.BadParameter(message)
    size = match["size"] or ("8" if match["number"] else "auto")
    return PatchRequest(match["symbol"], _value(match), None if size == "auto" else int(size))


def _value(match: re.Match[str]) -> int | tuple[int, ...] | str:
    if match["number"]:
        return _number(match["number"])
    return tuple(map(_number, match["array"].split(","))) if match["array"] else match["text"]


def _number(text: str) -> int:
    return int(text, 16 if "x" in text.lower() else 10)


@click.command(name="patch")
@click.argument("path", required=False, metavar="[INPUT")
@click.argument("requests", nargs=-1, metavar="SYMBOL=VALUE[:SIZE]...]", callback=parse_requests)
@click.option("--plan", metavar="FILE", help="Patch what a plan says, all of it or nothing.")
@click.option("--record", metavar="FILE", help="With --plan: where to write what was done.")
@click.option("--faults", metavar="FILE", help="With --plan: where to write the faults when nothing was done.")
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
    path: str | None,
    requests: tuple[PatchRequest, ...],
    plan: str | None,
    record: str | None,
    faults: str | None,
    output: str | None,
    *,
    dry_run: bool,
    verify_only: bool,
    form: str,
) -> None:
    """Write values into variables of the linked ELF file INPUT.

    SYMBOL is a name of the symbol table, or, in a file with debug information, a path such as
    config.clients[2].base. [.section] stands for the one variable of a section, and may start a path.

    VALUE is decimal or hexadecimal (0x4000_0000); for an array [1, 2, 3], one number for each element; for an
    array of char "text". SIZE is the size that the variable must have: 1, 2, 4, 8 (the default of numbers) or
    auto; of an array, each element; of text, the whole array. Without SIZE, arrays and text take what they have,
    which needs debug information.

    Nothing but the variables changes. When one value cannot be written, none is. A warning says why a patch that
    was made may have no effect.

    A plan is JSON: {"files": [{"source": FILE, "target": FILE, "patches": [{"symbol": SYMBOL, "value": NUMBER, LIST
    or TEXT, "size_bytes": NUMBER or null}]}]}.
    """
    if plan is not None:
        if path is not None or output is not None or dry_run or verify_only or not record or not faults:
            raise click.UsageError("--plan takes --record and --faults, and nothing else")
        from patcher.plan import main

        sys.exit(main([plan, record, faults]))
    if path is None or not requests or record or faults:
        raise click.UsageError("give INPUT and at least one SYMBOL=VALUE, or a plan with --plan, --record and --faults")
    if verify_only and (dry_run or output is not None):
        raise click.UsageError("--verify-only writes nothing: leave out --dry-run and --output")
    done = verify_file if verify_only else plan_file if dry_run else _patch_into(path if output is None else output)
    try:
        records = done(path, requests)
    except PatchError as error:
        _tell_faults(error, form)
        sys.exit(1)
    _tell(records, form)


def _patch_into(target: str) -> Callable[[str, Sequence[PatchRequest]], tuple[PatchRecord, ...]]:
    return lambda path, requests: patch_file(path, target, requests)


def _tell_faults(error: PatchError, form: str) -> None:
    from patcher.report import fault_lines, fault_rows

    if form == "json":
        click.echo(_json({"faults": fault_rows(error)}))
    else:
        click.echo("\n".join(fault_lines(error)), err=True)


def _tell(records: Sequence[PatchRecord], form: str) -> None:
    from patcher.report import record_rows, table, warning_rows, warnings_of

    if form == "json":
        click.echo(_json({"patches": record_rows(records), "warnings": warning_rows(records)}))
        return
    click.echo(table(records))
    for warning in warnings_of(records):
        click.echo(str(warning), err=True)


def _json(value: object) -> str:
    from json import dumps

    return dumps(value, indent=2)
