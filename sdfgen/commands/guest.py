"""`sdfgen guest`: a kernel and an initial RAM disk to try with."""

from __future__ import annotations

import os
import sys
from subprocess import SubprocessError

from sdfgen.commands.telling import give_up
from sdfgen.linux.cache import UnavailableError
from sdfgen.linux.guest import FILES, debian_guest

_NEEDS = "it takes Debian with its mirror, and the packages make and gcc-12-aarch64-linux-gnu: docs/kernels.md"


def guest(folder: str) -> str:
    """Make a guest of Debian's packages, and return what to say; leave with status 1 and why when that can't be done.

    Args:
        folder: Where its files go; they are made anew when they are there.
    """
    try:
        debian_guest(folder, _say)
    except UnavailableError as error:
        give_up(f"{error}; {_NEEDS}")
    except SubprocessError as error:
        give_up(f"{error}; again may do")
    except OSError as error:
        give_up(f"{error.filename or folder}: {error.strerror or error}")
    kernel, _, initrd = (os.path.join(folder, name) for name in FILES)
    sizes = [f"  {path:<24} {os.path.getsize(path) / 2**20:.1f} MiB" for path in (kernel, initrd)]
    return "\n".join([*sizes, "", "in each [[guest]]:", f'kernel = "{kernel}"', f'initrd = "{initrd}"', ""])


def _say(text: str) -> None:
    sys.stderr.write(f"sdfgen: {text}\n")
    sys.stderr.flush()
