"""Guests are made once and kept (cache.py); each is booted once for all checks that can share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.linux.cache import UnavailableError, need_programs

from .backend import build_backend
from .driver_vm import build, driver_elf, driver_initrd, read_system
from .guests import client_guest, driver_guest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdfgen.linux.guest import Guest

    from .driver_vm import DriverSystem


def _guest_or_skip(program: str, make: Callable[[], Guest]) -> Guest:
    try:
        need_programs(program)
        return make()
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def amd64_guest() -> Guest:
    return _guest_or_skip("qemu-system-x86_64", client_guest)


@pytest.fixture(scope="session")
def arm64_guest() -> Guest:
    return _guest_or_skip("qemu-system-aarch64", driver_guest)


@pytest.fixture(scope="session")
def backend_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_backend(str(tmp_path_factory.mktemp("backend") / "vhost_user_blk"), "file_backend")


@pytest.fixture(scope="session")
def driver_system(arm64_guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> DriverSystem:
    """The example built twice: the size of the initial ramdisk, which holds the driver, is in the device tree."""
    folder = tmp_path_factory.mktemp("driver_system")
    driver = driver_elf(build(str(folder / "compiled")))
    initrd = driver_initrd(arm64_guest, str(folder / "initrd"), driver)
    told = build(str(folder / "told"), "--no-compile", "--set", f'guest.storage.initrd="{initrd}"')
    return read_system(arm64_guest, told, initrd)
