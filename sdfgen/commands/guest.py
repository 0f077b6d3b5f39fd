"""`sdfgen guest`: a kernel and an initial RAM disk to try with."""

from __future__ import annotations

import os
import sys
from subprocess import SubprocessError
from typing import TYPE_CHECKING

from sdfgen.commands.boards import known_boards
from sdfgen.commands.telling import give_up
from sdfgen.linux.cache import UnavailableError
from sdfgen.linux.guest import Wanted, debian_guest

if TYPE_CHECKING:
    from sdfgen.facts.board import Board

_NEEDS = "it takes Debian with its mirror, and the packages make and gcc-12-aarch64-linux-gnu: docs/kernels.md"


def guest(folder: str, boards: tuple[str, ...] = ()) -> str:
    """Make a guest of Debian's packages, and return what to say; leave with status 1 and why when that can't be done.

    Args:
        folder: Where its files go; they are made anew when they are there.
        boards: Boards whose disk it is to drive.
    """
    wanted = _wanted(known_boards(os.curdir, boards))
    try:
        names = debian_guest(folder, _say, wanted)
    except UnavailableError as error:
        give_up(f"{error}; {_NEEDS}")
    except SubprocessError as error:
        give_up(f"{error}; again may do")
    except OSError as error:
        give_up(f"{error.filename or folder}: {error.strerror or error}")
    kernel, _, initrd, *trees = (os.path.join(folder, name) for name in names)
    sizes = [f"  {path:<24} {os.path.getsize(path) / 2**20:.1f} MiB" for path in (kernel, initrd)]
    lines = [*sizes, "", "in each [[guest]]:", f'kernel = "{kernel}"', f'initrd = "{initrd}"']
    lines += ["", "and in that of the driver:", *(f'dtb = "{tree}"' for tree in trees)] if trees else []
    return "\n".join([*lines, ""])


def _wanted(boards: tuple[Board, ...]) -> Wanted:
    facts = [board.facts for board in boards]
    modules = [name for one in facts if one.disk is not None for name in one.disk.modules]
    trees = [one.guest.tree for one in facts if one.guest is not None and one.guest.tree is not None]
    return Wanted(tuple(dict.fromkeys(modules)), tuple(dict.fromkeys(trees)))


def _say(text: str) -> None:
    sys.stderr.write(f"sdfgen: {text}\n")
    sys.stderr.flush()
