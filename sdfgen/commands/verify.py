"""`sdfgen verify`: holds everything that was built against the description and the manifest."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.describe import Description
    from sdfgen.verify.board import Surroundings, Verified
    from sdfgen.verify.compiled import Compilers


class VerifyRequest(NamedTuple):
    """The arguments of `sdfgen verify`."""

    description: str
    settings: tuple[str, ...]
    boards: tuple[str, ...]
    style: str
    out: str | None

    @property
    def folder(self) -> str:
        """The output folder of the build."""
        return self.out or os.path.join(os.path.dirname(self.description), "build")


def verify_and_tell(request: VerifyRequest) -> str:
    """Compare what was built with description and manifest, and return what was compared.

    Leaves with status 1, after telling why, when something differs or is missing.
    """
    from sdfgen.commands.telling import report, tell
    from sdfgen.describe import describe
    from sdfgen.verify.board import verify_board

    description = describe(request.description, request.settings, request.boards)
    said = ""
    for board in () if description.faults.errors else description.systems:
        folder = os.path.join(request.folder, board)
        verified = verify_board(description, board, folder, surroundings(description, board))
        description.faults.extend(verified.faults)
        said += _said(folder, verified)
    if description.faults.errors:
        tell(said, request.style)
    report(description, request.style, notes=False)
    return said


def _said(folder: str, verified: Verified) -> str:
    """Say what was compared, and what could not be."""
    lines = [f"{folder}: compared {', '.join(verified.compared)}\n"] if verified.compared else []
    return "".join((*lines, *(f"  not compared: {words}\n" for words in verified.left_out)))


def surroundings(description: Description, board: str) -> Surroundings:
    """Return what of this machine takes part when a board is verified.

    Args:
        description: The description.
        board: The board.
    """
    from sdfgen.build.toolchain import find_toolchain
    from sdfgen.verify.board import Surroundings

    system = description.systems[board]
    toolchain = find_toolchain(description.specs[board].toolchain, system)
    return Surroundings(_compilers(toolchain), toolchain.sdk_files(system) | toolchain.headers(system))


def _compilers(toolchain: Toolchain) -> Compilers:
    """Return what the build graph compiles with, in folders of its own."""
    from sdfgen.build.toolchain import LINUX_FLAGS, PD_FLAGS
    from sdfgen.facts.data import data_path
    from sdfgen.verify.compiled import Compilers

    headers = f"-I{data_path('templates', 'c', 'include')}"
    linux, domain = (
        (
            *(sys.executable if word == "$python" else word for word in shlex.split(command)),
            *shlex.split(flags),
            headers,
        )
        for command, flags in ((toolchain.cc_linux, LINUX_FLAGS), (toolchain.cc_pd, PD_FLAGS))
    )
    return Compilers(linux, domain)
