"""Runs Ninja on a build graph."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from sdfgen.build import BuildError


def run_ninja(folder: str, jobs: int, microkit_sdk: str | None) -> None:
    """Bring everything in a folder's build.ninja up to date.

    Args:
        folder: The folder.
        jobs: Steps at once; 0 lets Ninja choose.
        microkit_sdk: What the graph's $MICROKIT_SDK stands for.

    Raises:
        BuildError: When a step fails; what the failing program said is in the message.
    """
    command = [_program(), "-C", folder, "--quiet", *(["-j", str(jobs)] if jobs else [])]
    environment = {**os.environ, "SDFGEN_PYTHON": sys.executable}
    if microkit_sdk:
        environment["MICROKIT_SDK"] = os.path.abspath(microkit_sdk)
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
