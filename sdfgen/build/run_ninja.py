"""Runs Ninja on a build graph."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from sdfgen.build.errors import BuildError
from sdfgen.build.toolchain import LIBVMM, SDK
from sdfgen.build.zig_cache import FOLDER, zig_cache

if TYPE_CHECKING:
    from sdfgen.build.toolchain import Toolchain


def run_ninja(folder: str, jobs: int, toolchain: Toolchain, *targets: str) -> None:
    """Bring what a folder's build.ninja makes up to date.

    Args:
        folder: The folder.
        jobs: Steps at once; 0 lets Ninja choose.
        toolchain: What the graph's $MICROKIT_SDK and $LIBVMM stand for.
        targets: What to make; what the file makes by default when there are none.

    Raises:
        BuildError: When a step fails; what the failing program said is in the message.
    """
    command = [_program(), "-C", folder, "--quiet", *(["-j", str(jobs)] if jobs else []), *targets]
    cache = zig_cache(os.path.join(os.path.dirname(os.path.abspath(folder)), FOLDER))
    environment = {**os.environ, **cache, "SDFGEN_PYTHON": sys.executable}
    found = {SDK: toolchain.microkit_sdk, LIBVMM: toolchain.libvmm}
    environment |= {name: path for name, path in found.items() if path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"a build step failed in {folder}:\n{(done.stdout + done.stderr).strip()}")


def _program() -> str:
    """Return Ninja's path: beside this Python first, since importing its package takes longer than running it."""
    beside = os.path.join(os.path.dirname(sys.executable), "ninja")
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which("ninja")
    if found is None:
        raise BuildError("ninja is not installed: pip install ninja")
    return found
