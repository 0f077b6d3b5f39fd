"""The whole command line, with help and messages; each command imports what it needs when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sdfgen.commands.options import COMMANDS, MORE, ORDERED, Option, arguments_of, steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

FILES = ("description", "part", "board")
"""Files that have a schema."""
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
_GUESTS = "Guests that share a disk, beside the one that drives it, 2 unless given; 0 for one guest alone."
_FROM = "Make the description of this system file, as `sdfgen import` does."
_QEMU = "qemu_virt_aarch64"
_FOR_BOARD = f"A board to build for, {_QEMU} unless given; may be given again."
_FOR = "How far things should go; each step needs what those before it need."
_GUEST_BOARD = "A board whose disk the guest drives: brings its tree, and modules for the disk; may be given again."
_KERNEL_CONFIG = "How a guest's kernel was configured, if neither it nor a file beside it tells."


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


def _told_folder(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Say where the files are that a build system includes."""
    if not value or context.resilient_parsing:
        return
    from sdfgen.facts.data import data_path

    click.echo(data_path("templates", "build", *_BUILD_FOLDERS[str(option.name)]))
    context.exit()


_BUILD_FOLDERS: dict[str, tuple[str, ...]] = {"make_dir": (), "cmake_dir": ("cmake",)}
_MAKE = "Say in which folder sdfgen.mk is, for Make to include."
_CMAKE = "Say in which folder sdfgenConfig.cmake is: sdfgen_DIR of find_package(sdfgen)."


@click.group(cls=_Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, help="Show the version and exit; with --json, what it knows of others'.")
@click.option("--json", "as_json", is_flag=True, help="With --version: as JSON.")
@click.option("--make-dir", is_flag=True, callback=_told_folder, is_eager=True, expose_value=False, help=_MAKE)
@click.option("--cmake-dir", is_flag=True, callback=_told_folder, is_eager=True, expose_value=False, help=_CMAKE)
@click.pass_context
def cli(context: click.Context, *, version: bool, as_json: bool) -> None:
    """Build seL4 Microkit systems with Linux guests from one description."""
    if version:
        from sdfgen.commands.version import version_text

        click.echo(version_text(as_json=as_json), nl=False)
        context.exit()
    if as_json:
        raise click.UsageError("--json is for --version")
    if context.invoked_subcommand is None:
        raise click.exceptions.NoArgsIsHelpError(context)


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
        shell_complete=_completion_of(option),
    )


_BY_NAME = {"board": "board", "boards": "board", "console": "guest"}
_BY_VALUE = {"FILE": "file", "FOLDER": "dir", "DIR": "dir"}


def _completion_of(option: Option) -> Completer | None:
    """Return what completes an option: known words by what it sets, paths by what its value is called."""
    of = _BY_NAME.get(option.name) or _BY_VALUE.get(option.metavar or "")
    return _completer(of) if of else None


def _completer(of: str) -> Completer:
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from sdfgen.commands.completion import completer

        return completer(of)(context, parameter, incomplete)

    return complete


_BOARD, _FILE = _completer("board"), _completer("file")


def _click_argument(name: str, default: str | None) -> click.Argument:
    complete = None if name == "thing" else _FILE
    if default is None:
        return click.Argument([name], shell_complete=complete)
    return click.Argument([name], default=default, shell_complete=complete)


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
    if _name in MORE:
        _parameters.append(click.Argument(["more"], nargs=-1, shell_complete=_FILE))
    if _name == "run":
        _parameters.append(click.Argument(["extra"], nargs=-1))
    _kind = _Ordered if _name == ORDERED else click.Command
    cli.add_command(_kind(_name, params=_parameters, callback=_callback(_name), help=_HELP[_name]))


@cli.command()
@click.option("--format", "style", type=click.Choice(["json", "markdown"]), default="json", help="What to write.")
@click.option("--of", "what", type=click.Choice([*FILES, *FORMS]), default="description", help="Of what.")
def schema(style: str, what: str) -> None:
    """Write the schema of descriptions or of a command's JSON: JSON Schema for editors, or the reference."""
    from sdfgen.commands.reference import json_schema, markdown, schema_of_view

    if style == "json":
        text = json_schema(what) if what in FILES else schema_of_view(what)
    elif what == "description":
        text = markdown()
    else:
        raise click.UsageError(f"the reference has all of it; `--of {what}` is for JSON")
    click.echo(text, nl=False)


@cli.command()
@click.argument("folder", metavar="[NAME]", default=".")
@click.option("--guests", type=click.IntRange(0), help=_GUESTS)
@click.option("--board", "boards", multiple=True, help=_FOR_BOARD, shell_complete=_BOARD)
@click.option("--from", "source", metavar="X.system", help=_FROM, shell_complete=_FILE)
@click.option("--make/--no-make", default=True, help="Write a Makefile.")
@click.option("--cmake/--no-cmake", default=True, help="Write a CMakeLists.txt.")
@click.option("--ci", type=click.Choice(["github", "gitlab", "none"]), default="github", help="Write its workflow.")
def init(
    folder: str, guests: int | None, boards: tuple[str, ...], source: str | None, ci: str, *, make: bool, cmake: bool
) -> None:
    """Begin a project in folder NAME, or in this one: a description that builds, and what builds it."""
    from sdfgen.commands.init import init as begin_project

    click.echo(begin_project(folder, boards, guests, source, make=make, cmake=cmake, ci=ci), nl=False)


@cli.command()
@click.argument("description", required=False, shell_complete=_FILE)
@click.option("--board", "boards", multiple=True, metavar="NAME", help="Only this board.", shell_complete=_BOARD)
@click.option("--for", "step", type=click.Choice(["check", "build", "image", "run"]), default="run", help=_FOR)
@click.option("--kernel-config", "configs", multiple=True, metavar="[GUEST=]FILE", help=_KERNEL_CONFIG)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="What to write.")
@click.pass_context
def doctor(
    context: click.Context,
    description: str | None,
    boards: tuple[str, ...],
    step: str,
    configs: tuple[str, ...],
    form: str,
) -> None:
    """Say what is there and what is missing to check, build, pack and run DESCRIPTION, and what to do.

    Without one it is system.toml, or what any description takes. Status 1: something is missing.
    """
    from sdfgen.commands.doctor import doctor as look

    text, status = look(description, boards, step, configs, form)
    click.echo(text, nl=False)
    context.exit(status)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Write what SHELL reads to complete commands, options, files, boards, guests and codes.

    In ~/.bashrc: eval "$(sdfgen completion bash)"; in ~/.zshrc: eval "$(sdfgen completion zsh)"; and in
    ~/.config/fish/config.fish: sdfgen completion fish | source
    """
    from sdfgen.commands.completion import script

    click.echo(script(shell, cli), nl=False)


@cli.command()
@click.argument("kind", type=click.Choice(["debian"]))
@click.option("-o", "--out", "folder", default="guest", metavar="FOLDER", help="Where to; `guest` by default.")
@click.option("--board", "boards", multiple=True, metavar="NAME", help=_GUEST_BOARD)
def guest(kind: str, folder: str, boards: tuple[str, ...]) -> None:  # noqa: ARG001 - there is one kind yet
    """Make a kernel and an initial RAM disk that boot as driver VM and as client, of Debian's packages."""
    from sdfgen.commands.guest import guest as make_guest

    click.echo(make_guest(folder, boards), nl=False)


@cli.command()
@click.argument("name", metavar="[PAGE]", required=False)
def docs(name: str | None) -> None:
    """Show a page of the documentation, which messages call docs/PAGE.md; without one, list all."""
    from sdfgen.commands.docs import listing, page

    click.echo(listing() if name is None else page(name), nl=False)


@cli.command()
@click.argument("name", shell_complete=_BOARD)
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
@click.argument("code", required=False, shell_complete=_completer("code"))
def explain(code: str | None) -> None:
    """Say what a fault's code means; without one, list all."""
    from sdfgen.commands.reference import explanation, explanations

    text = explanations() if code is None else explanation(code)
    if text is None:
        raise click.ClickException(f"no fault has the code {code!r}; `sdfgen explain` lists them")
    click.echo(text, nl=False)
