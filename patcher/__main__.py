"""`python -m patcher`: see `patcher.cli`; the form that build steps use goes without loading click."""

import sys

_STEP = ("--plan", "--record", "--faults")


def _main() -> None:
    options, paths = sys.argv[1::2], sys.argv[2::2]
    if tuple(options) == _STEP and len(paths) == len(_STEP):
        from patcher.plan import main

        sys.exit(main(paths))
    from patcher.cli import command

    command(prog_name="python -m patcher")


if __name__ == "__main__":
    _main()
