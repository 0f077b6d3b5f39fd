"""The command line; each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sdfgen import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdfgen.describe import Description

_DESCRIPTION = click.argument("description", type=click.Path())
_SET = click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Override one value of the description.")
_BOARD = click.option("--board", "boards", multiple=True, metavar="NAME", help="Only this board; may be given again.")
_FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="How faults are shown.",
)


def _described(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (_FORMAT, _BOARD, _SET, _DESCRIPTION):
        function = decorate(function)
    return function


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sdfgen")
def main() -> None:
    """Build seL4 Microkit systems with Linux guests from one description."""


def report(description: Description, style: str) -> None:
    """Show all faults; leave with status 1 when there are errors."""
    faults = description.faults.sorted()
    if faults or style != "text":
        from sdfgen.render import FORMATS

        click.echo(FORMATS[style](faults), nl=False, err=style == "text")
    if description.faults.errors:
        sys.exit(1)


@main.command()
@_described
def check(description: str, settings: tuple[str, ...], boards: tuple[str, ...], style: str) -> None:
    """Check a description and say everything that is wrong with it."""
    from sdfgen.describe import describe

    result = describe(description, settings, boards)
    report(result, style)
    if style == "text":
        click.echo(f"{description}: good for {', '.join(result.systems)}")


@main.command()
@_described
@click.option("-o", "--out", type=click.Path(), help="Output folder; `build` beside the description by default.")
@click.option("--compile/--no-compile", "compile_", default=True, help="Compile and patch too.")
@click.option("-j", "--jobs", type=click.IntRange(min=0), default=0, help="Steps at once.")
@click.option("--depfile", type=click.Path(), help="Write a Make depfile with paths as they are from here.")
def build(**options: Any) -> None:  # noqa: ANN401 - click hands over what the decorators declare
    """Build a description: SDF, device trees, C, patched ELFs, manifest."""
    from sdfgen.build_command import Request, run

    click.echo(run(Request(**options)), nl=False)
