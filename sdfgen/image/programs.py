"""Program images that were linked here: what can be said before the Microkit tool runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.read.program import frames_bytes
from sdfgen.rules.program_images import unfit
from sdfgen.units import PAGE_BYTES, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from sdfgen.model.microkit import ProtectionDomain
    from sdfgen.model.system import System


def program_faults(system: System, path_of: Callable[[str], str], linked: Container[str] = ()) -> Iterator[Fault]:
    """Yield what of the program images that were linked here does not fit the system; rules judge all others.

    Args:
        system: The system.
        path_of: Where a program image is, by the name that the system gives it.
        linked: Program images that were linked here, of code that does not call itself.
    """
    faults = list(unfit(system, lambda name: path_of(name) if name in linked else None))
    yield from faults
    if not any(found.severity == "error" for found in faults):
        for pd in system.all_pds():
            if pd.program_image in linked:
                yield from _stack(system, pd, path_of(pd.program_image))


def _stack(system: System, pd: ProtectionDomain, path: str) -> Iterator[Fault]:
    stack_bytes, needed_bytes = pd.stack_size_bytes or system.dialect.default_stack_bytes, frames_bytes(path)
    if needed_bytes > stack_bytes:
        message = (
            f"stack of `{pd.name}` has {size_text(stack_bytes)}; "
            f"all functions of {pd.program_image!r} together take {needed_bytes} bytes"
        )
        enough = size_text(round_up(needed_bytes, PAGE_BYTES))
        yield Fault("SDF104", message, pd.origin.at("stack_size"), f'use "{enough}"', severity="warning")
