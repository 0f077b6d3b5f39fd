"""Looks at everything that checking, building, packing and running a description take."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING, Final

from sdfgen import DISTRIBUTION, __version__
from sdfgen.build.brought import toolchain_faults
from sdfgen.build.toolchain import LIBVMM, SDK, ZIG, find_toolchain
from sdfgen.build.tools import tools
from sdfgen.doctor.finding import GOOD, MISSING, STEPS, UNKNOWN, WRONG, Finding
from sdfgen.doctor.kernel_config import config_of
from sdfgen.doctor.kernel_needs import kernel_needs
from sdfgen.read.kinds import ARM64_IMAGE
from sdfgen.run.qemu import PROGRAM, program
from sdfgen.run.status import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.build.toolchain import Toolchain
    from sdfgen.describe import Description
    from sdfgen.doctor.kernel_config import KernelConfig
    from sdfgen.doctor.kernel_needs import Need
    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.spec.description import ToolchainTable

_COMPILER: Final = "SDF172"
_SMP_ON_FEW_CORES: Final = (8, 1)
"""The QEMU that runs the cores of a machine in turn: docs/run.md."""


def examine(description: Description, configs: Mapping[str, str], *, is_own: bool) -> list[Finding]:
    """Return what is there and what is missing, each thing once, in the order of the steps.

    Args:
        description: The description.
        configs: Files that tell how kernels were configured, by guest; that of an empty name is for all others.
        is_own: It is the author's; else one that stands for any, whose guests have no files.
    """
    found = [Finding("check", GOOD, f"{DISTRIBUTION} {__version__} with Python {platform.python_version()}")]
    found += _described(description) if is_own else ()
    for board, system in description.systems.items():
        found += _of_toolchain(system, description.specs[board].toolchain)
        if is_own:
            found += [finding for guest in system.guests for finding in _of_guest(system, guest, configs)]
        found += _of_qemu(system)
    order = list(STEPS)
    return sorted(dict.fromkeys(found), key=lambda finding: order.index(finding.step))


def _described(description: Description) -> Iterator[Finding]:
    errors = [fault for fault in description.faults if fault.severity == "error"]
    if errors:
        what = f"{description.path} has {len(errors)} error{'s' if len(errors) > 1 else ''}"
        yield Finding("check", WRONG, what, f"sdfgen check {description.path} tells them")
    else:
        yield Finding("check", GOOD, f"{description.path} is good for {', '.join(description.systems)}")


def _of_toolchain(system: System, table: ToolchainTable | None) -> Iterator[Finding]:
    toolchain = find_toolchain(table, system)
    faults = list(toolchain_faults(toolchain, table, system))
    compiler = [fault for fault in faults if fault.code == _COMPILER]
    brought = [fault for fault in faults if fault.code != _COMPILER]
    yield from (_told("build", fault, MISSING) for fault in compiler)
    if not compiler:
        cc = table.cc if table is not None else ZIG
        named = [f"{tool.name} {tool.version}".strip() for tool in tools(cc) if tool.files]
        yield Finding("build", GOOD, f"compiler: {', '.join(named)}")
    yield from (_told("image", fault, WRONG) for fault in brought)
    yield from _brought(toolchain, system, is_good=not any(fault.severity == "error" for fault in brought))


def _told(step: str, fault: Fault, status: str) -> Finding:
    return Finding(step, status if fault.severity == "error" else UNKNOWN, fault.message, fault.advice)


def _brought(toolchain: Toolchain, system: System, *, is_good: bool) -> Iterator[Finding]:
    """Yield the Microkit SDK and libvmm, which no package index has."""
    board, config, version = system.board.name, system.config, system.dialect.version
    wanted = {
        SDK: (toolchain.microkit_sdk, f"Microkit SDK {version}", "unpack a release"),
        LIBVMM: (toolchain.libvmm, f"libvmm for {board}/{config}", "build libvmm.a against that SDK"),
    }
    for variable, (folder, what, how) in wanted.items():
        if folder is None:
            advice = f"{how}, and set {variable} to its folder: docs/image.md"
            yield Finding("image", MISSING, f"{what}: {variable} is not set", advice)
        elif is_good:
            yield Finding("image", GOOD, f"{what} in {folder}")


def _of_guest(system: System, guest: Guest, configs: Mapping[str, str]) -> Iterator[Finding]:
    if guest.kernel is None:
        advice = "write `kernel` and `initrd` into its table; `sdfgen guest debian` makes some: docs/kernels.md"
        yield Finding("image", MISSING, f"guest `{guest.name}` has no kernel", advice)
        return
    path = os.path.join(system.folder, guest.kernel)
    if guest.kernel_image is None or guest.kernel_image.kind != ARM64_IMAGE:
        return  # an error of the description
    try:
        config = config_of(path, configs.get(guest.name, configs.get("")))
    except (OSError, ValueError) as error:
        yield Finding("run", WRONG, f"guest `{guest.name}`: {error}", "name its .config with --kernel-config")
        return
    if config is None:
        what = f"guest `{guest.name}`: {guest.kernel} does not tell how it was configured"
        advice = f"name its .config with --kernel-config {guest.name}=FILE, or put it beside as {guest.kernel}.config"
        yield Finding("run", UNKNOWN, what, advice)
        return
    yield from _of_config(guest, config, kernel_needs(system, guest))


def _of_config(guest: Guest, config: KernelConfig, needs: list[Need]) -> Iterator[Finding]:
    modules = []
    lacking = 0
    for need in needs:
        value = config.options.get(need.option)
        if value == "y" or (value == "m" and not need.built_in):
            modules += [need.option] if value == "m" else []
            continue
        lacking += 1
        how = "is a module, which comes too late" if value == "m" else "is not set"
        what = f"guest `{guest.name}`: CONFIG_{need.option} {how}: {need.why}"
        advice = f"set CONFIG_{need.option}=y (it was read from {config.source}): docs/kernels.md"
        yield Finding("run", MISSING, what, advice)
    if not lacking:
        yield Finding("run", GOOD, f"guest `{guest.name}`: its kernel has all {len(needs)} options that it needs")
    if modules:
        what = f"guest `{guest.name}` needs modules: {', '.join(f'CONFIG_{name}' for name in modules)}"
        yield Finding("run", UNKNOWN, what, "its initial RAM disk must have them, and load them")


def _of_qemu(system: System) -> Iterator[Finding]:
    board = system.board.name
    if system.board.facts.qemu is None:
        yield Finding("run", UNKNOWN, f"QEMU can't run {board}: it takes the board itself", "docs/image.md says how")
        return
    try:
        version = _version(program())
    except RunError as error:
        yield Finding("run", MISSING, str(error), "apt install qemu-system-arm, or another package with it")
        return
    yield Finding("run", GOOD, f"{PROGRAM} {version}")
    cores = os.cpu_count() or 1
    number = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if system.core_count > cores and number < _SMP_ON_FEW_CORES:
        what = f"{system.core_count} cores on a host with {cores}: guests hardly boot in QEMU {version}"
        yield Finding("run", WRONG, what, f"QEMU from {'.'.join(map(str, _SMP_ON_FEW_CORES))} runs them in turn")


def _version(path: str) -> str:
    """Return what QEMU says of its version; nothing when it does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    words = done.stdout.split()
    return words[words.index("version") + 1] if "version" in words[:-1] else ""
