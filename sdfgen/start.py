"""Where the program starts: everyday commands run without loading what they do not use."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line."""
    # The process is short and its values live until it ends: collecting garbage finds nothing.
    gc.disable()
    from sdfgen.commands.options import parse

    plain = parse(sys.argv[1:])
    if plain is None:
        from sdfgen.commands.cli import cli

        cli()
    else:
        from sdfgen.commands.dispatch import run

        run(*plain)


if __name__ == "__main__":
    main()
