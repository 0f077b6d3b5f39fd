"""`python -m patcher`: see `patcher.cli`."""

from patcher.cli import command

if __name__ == "__main__":
    command(prog_name="python -m patcher")
