"""The tutorial as it stands, to the end: with an SDK, guests are made, and one writes to the disk that it shares."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.spec.description import SystemTable
from tests.guest.guests import driver_guest
from tests.test_site import done_as_it_stands

from .trial import QEMU, needed, sdk_version

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

ALL_BUT_INSTALLING: Final = re.compile(r"^```(?:sh|bash)\n((?!python3 -m venv).*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_works_to_the_end(tmp_path: Path) -> None:
    needed(driver_guest, QEMU)
    wanted = SystemTable.keys["microkit"].default
    if sdk_version() != wanted:
        pytest.skip(f"the tutorial's description is for Microkit {wanted}")
    done = done_as_it_stands("tutorial.md", tmp_path, 16, ALL_BUT_INSTALLING, os.environ)
    assert "all is there to run it in QEMU" in done.stdout
    assert "client1| wrote 0\n" in done.stdout
    assert done.stdout.endswith("\nhello\n")
