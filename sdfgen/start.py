"""Where the program starts: everyday commands run without loading what they do not use."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line."""
    # The process is short and its values live until it ends: collecting garbage finds nothing.
    gc.disable()
    from sdfgen.commands.neighbour import tell_of_neighbour

    tell_of_neighbour()
    from sdfgen.commands.options import parse

    plain = parse(sys.argv[1:])
    if plain is None:
        from sdfgen.commands.cli import cli

        cli()
    else:
        from sdfgen.commands.dispatch import run

        run(*plain)


def program() -> None:
    """Run the command line as a process of its own.

    A command that has ended well has nothing left to do; taking all modules apart would cost a tenth of a short one.
    """
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    program()
