"""Kernels that print nothing: loader, monitor and VMMs speak through the kernel, so only who has the UART is heard."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sdfgen.facts.sdk import GEN_CONFIG, SdkError, read_sdk
from sdfgen.records import NamedTuple
from sdfgen.run.status import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Map, Region
    from sdfgen.model.system import System
    from sdfgen.run.console import Consoles
    from sdfgen.run.expect import Expectation

_OPTION: Final = "PRINTING"
_LOADER_MARK: Final = b"LDR|"
"""What begins each line of Microkit's loader: it is in an image whose loader prints, and in no other."""
_CHUNK_BYTES: Final = 1 << 20


class Silence(NamedTuple):
    """A system whose kernel prints nothing.

    Attributes:
        why: What says so.
        heard: Who is heard all the same: domains and machines to which the UART is mapped.
        terminals: Who has a console that does not need the kernel.
        where: The place of the configuration, or of the system.
    """

    why: str
    heard: tuple[str, ...]
    terminals: tuple[str, ...] = ()
    where: Where | None = None

    def tell(self) -> str:
        """Return one line about what is to be seen."""
        seen = f"only {' and '.join(self.heard)} with the UART" if self.heard else "nothing"
        if self.terminals:
            seen = f"only the consoles of {', '.join(self.terminals)}"
        return f"this kernel prints nothing ({self.why}): {seen} will be seen"


def silence(system: System, sdk: str | None, loader: str | None) -> Silence | None:
    """Return what keeps a system silent; None when its kernel prints.

    Args:
        system: The system.
        sdk: The Microkit SDK's folder, which knows its kernels.
        loader: An image that was built elsewhere.

    Raises:
        OSError: When the image cannot be read.
    """
    why = _why(system, sdk)
    if why is None or (loader is not None and os.path.isfile(loader) and _speaks(loader)):
        return None
    terminals = tuple(terminal.owner for terminal in system.terminals)
    return Silence(why, tuple(_heard(system)), terminals, system.origin.at("config"))


def _why(system: System, sdk: str | None) -> str | None:
    """Return what says that the kernel does not print: its configuration's file, else the configuration's name."""
    config = system.config
    if sdk is not None:
        try:
            facts = read_sdk(sdk, system.board.name, config)
        except SdkError:  # the build tells that
            facts = None
        if facts is not None and (prints := facts.option(_OPTION)) is not None:
            return None if prints else f"{_OPTION} is false in {os.path.join(facts.folder, GEN_CONFIG)}"
    return None if "debug" in config else f"configuration `{config}`"


def _speaks(loader: str) -> bool:
    """Tell whether an image has a loader that prints."""
    rest = b""
    with open(loader, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if _LOADER_MARK in rest + chunk:
                return True
            rest = chunk[-len(_LOADER_MARK) :]
    return False


def _heard(system: System) -> Iterator[str]:
    """Yield the domains and machines that have the UART's registers."""
    regions = system.region_index()
    for pd in system.all_pds():
        if _has_uart(system, pd.maps, regions):
            yield pd.name
        if pd.vm is not None and _has_uart(system, pd.vm.maps, regions):
            yield pd.vm.name


def _has_uart(system: System, maps: Iterable[Map], regions: dict[str, Region]) -> bool:
    """Tell whether the UART is among what is mapped; on a board without a known UART, whether anything fixed is."""
    guest = system.board.facts.guest
    uart = system.board.devices.get(guest.console_device) if guest is not None else None
    for one in maps:
        region = regions.get(one.region)
        if region is None or region.phys_addr is None:
            continue
        start, end = int(region.phys_addr), int(region.phys_addr) + (region.size_bytes or 0)
        if uart is None or start <= uart.base < end:
            return True
    return False


def refuse_unseen(silent: Silence, wanted: Sequence[Expectation], consoles: Consoles) -> None:
    """Refuse an expectation that can never be met.

    Args:
        silent: What keeps the system silent.
        wanted: What is expected.
        consoles: The guests.

    Raises:
        UsageError: With what would make it seen.
    """
    for one in wanted:
        if one.console in {consoles.uart, *silent.terminals} if one.console else silent.heard:
            continue
        what = f"nothing of `{one.console}`" if one.console else "nothing"
        raise UsageError(
            f"--expect {one.text}: this kernel prints nothing ({silent.why}), so {what} will ever be seen",
            silent.where,
            "run a debug configuration (`--set system.config='debug'`), or give the guest the UART in its `devices`",
        )
