"""The whole command line, with help and messages; each command imports what it needs when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sdfgen import __version__
from sdfgen.commands.options import COMMANDS, ORDERED, Option, arguments_of, steps

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = ("check", "show", "why", "diff")
"""Commands whose JSON has a schema."""
_HELP = {
    "check": "Check a description, or a system file that others wrote, and say everything that is wrong with it.",
    "build": "Build a description: SDF, device trees, C, patched ELFs, manifest.",
    "verify": "Read what was built back and compare every number with the description.",
    "show": "Show a system: who reaches what, as text, a picture, a page or JSON.",
    "why": "Say what THING is, who sees it and what decided it: an address, a number, or a name.",
    "diff": "Say what is different between two systems: descriptions, system files, builds, or REV:FILE of git.",
    "import": "Make a description of a system file that others wrote: one that makes the same system.",
    "run": "Build a description and run it in QEMU; EXTRA, behind `--`, is for QEMU.",
}


class _Ordered(click.Command):
    """Keeps in what order options stand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["steps"] = steps(args)
        return super().parse_args(ctx, args)


class _Lazy(click.Group):
    """Adds the patcher's command without loading it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "patch"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "patch":
            from patcher.cli import command

            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sdfgen")
def cli() -> None:
    """Build seL4 Microkit systems with Linux guests from one description."""


def _click_option(option: Option) -> click.Option:
    flags = ["/".join(option.flags)] if option.kind == "switch" else list(option.flags)
    kind: Any = (
        click.Choice(option.choices) if option.choices else click.IntRange(min=0) if option.default == 0 else str
    )
    return click.Option(
        [*flags, option.name],
        help=option.help,
        default=option.default,
        multiple=option.kind == "many",
        is_flag=True if option.kind == "flag" else None,
        type=bool if option.kind in {"switch", "flag"} else kind,
        metavar=option.metavar,
    )


def _click_argument(name: str, default: str | None) -> click.Argument:
    return click.Argument([name]) if default is None else click.Argument([name], default=default)


def _callback(name: str) -> Callable[..., None]:
    def callback(**values: object) -> None:
        from sdfgen.commands.dispatch import run

        run(name, values)

    return callback


for _name, _options in COMMANDS.items():
    _parameters: list[click.Parameter] = [
        *(_click_argument(*argument) for argument in arguments_of(_name)),
        *map(_click_option, _options),
    ]
    if _name == "run":
        _parameters.append(click.Argument(["extra"], nargs=-1))
    _kind = _Ordered if _name == ORDERED else click.Command
    cli.add_command(_kind(_name, params=_parameters, callback=_callback(_name), help=_HELP[_name]))


@cli.command()
@click.option("--format", "style", type=click.Choice(["json", "markdown"]), default="json", help="What to write.")
@click.option("--of", "what", type=click.Choice(["description", *FORMS]), default="description", help="Of what.")
def schema(style: str, what: str) -> None:
    """Write the schema of descriptions or of a command's JSON: JSON Schema for editors, or the reference."""
    from sdfgen.commands.reference import json_schema, markdown, schema_of_view

    if style == "json":
        text = json_schema() if what == "description" else schema_of_view(what)
    elif what == "description":
        text = markdown()
    else:
        raise click.UsageError(f"the reference has all of it; `--of {what}` is for JSON")
    click.echo(text, nl=False)


@cli.command()
@click.argument("name")
@click.option("--sdk", envvar="MICROKIT_SDK", metavar="DIR", help="The Microkit SDK; MICROKIT_SDK.")
@click.option("--config", metavar="CONFIG", help="The configuration to read; the one for debugging by default.")
@click.option("--free", "is_free", is_flag=True, help="Say which memory regions with an address may have instead.")
@click.option("--microkit", metavar="VERSION", help="With --free: for this Microkit version.")
@click.option("--system", "system_file", metavar="FILE", help="With --free: beside the regions of this system file.")
def board(
    name: str, sdk: str | None, config: str | None, microkit: str | None, system_file: str | None, *, is_free: bool
) -> None:
    """Write the beginning of a board file, with what a Microkit SDK knows of the board."""
    if is_free:
        from sdfgen.commands.free import free

        click.echo(free(name, microkit, system_file), nl=False)
        return
    if sdk is None:
        raise click.UsageError("Missing option '--sdk': the Microkit SDK; MICROKIT_SDK.")
    from sdfgen.commands.board import begin

    click.echo(begin(name, sdk, config), nl=False)


@cli.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Say what a fault's code means; without one, list all."""
    from sdfgen.commands.reference import explanation, explanations

    text = explanations() if code is None else explanation(code)
    if text is None:
        raise click.ClickException(f"no fault has the code {code!r}; `sdfgen explain` lists them")
    click.echo(text, nl=False)
