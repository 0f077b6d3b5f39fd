"""Emit phase: from a system to files; decides nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.build.graph import build_file
from sdfgen.build.graph_image import DISK_FILE
from sdfgen.emit.c.tables import c_files
from sdfgen.emit.devicetree.guest_trees import device_tree_files
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.facts.data import data_path
from sdfgen.subsystems.block.driver import PREFILLED_PAGE

if TYPE_CHECKING:
    from sdfgen.build.plan import Plan
    from sdfgen.build.toolchain import Toolchain
    from sdfgen.model.system import System


def generated_files(system: System, toolchain: Toolchain, plan: Plan, up: str) -> dict[str, bytes]:
    """Return every generated file of one board by its path in the board's folder.

    Args:
        system: The system.
        toolchain: What compiles.
        plan: What of an image can be made.
        up: Path from the board's folder to the description's.
    """
    files = {f"{system.name}.system": system_file(system).encode(), **c_files(system)}
    if system.block is not None:
        files |= device_tree_files(system)
        files |= _plain("c")
        if plan.driver_initrd:
            files |= _plain("guest") | {DISK_FILE: f"{system.block.driver.storage}\n".encode()}
        if system.block.prefilled:
            from sdfgen.subsystems.block.phys_page import phys_page

            files[PREFILLED_PAGE] = phys_page(system)
    files["build.ninja"] = build_file(system, toolchain, plan, up, files).encode()
    return files


def _plain(name: str) -> dict[str, bytes]:
    """Return the files of a folder that are the same in every system."""
    root = data_path("templates", name)
    found = {}
    for folder, _, names in sorted(os.walk(root)):
        for file_name in sorted(names):
            path = os.path.join(folder, file_name)
            with open(path, "rb") as file:
                found[os.path.join(name, os.path.relpath(path, root))] = file.read()
    return found
