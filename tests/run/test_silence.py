"""Kernels that print nothing: who is heard all the same, what is refused, what is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.describe import describe
from sdfgen.run import silence as module
from sdfgen.run.console import consoles_of
from sdfgen.run.expect import expectation
from sdfgen.run.silence import refuse_unseen, silence
from sdfgen.run.status import UsageError
from tests.paths import EXAMPLE, SYSTEMS

from .test_run import LOADED, project, qemu, run
from .test_run_qemu import example

if TYPE_CHECKING:
    from pathlib import Path

    from .fake_qemu import FakeQemu

__all__ = ["project", "qemu"]

RELEASE: Final = "system.config='release'"
UART: Final = "guest.client1.devices=['uart']"
BY_NAME: Final = "configuration `release`"
SAID: Final = "this kernel prints nothing"

WAYS_OUT: Final = (
    "run a debug configuration (`--set system.config='debug'`), or give the guest the UART in its `devices`"
)


@pytest.mark.parametrize(("config", "silent"), [("debug", False), ("release", True), ("benchmark", True)])
def test_a_configurations_name_tells_without_an_sdk(config: str, silent: bool) -> None:
    assert (silence(example(f"system.config='{config}'"), None, None) is not None) == silent


def put_sdk(folder: Path, config: str, text: str) -> str:
    path = folder / "board" / "qemu_virt_aarch64" / config / "include" / "kernel" / "gen_config.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return str(folder)


# The configuration, what the SDK says of its kernel, and whether that prints.
KERNELS: Final = {
    "an SDK of one's own": ("release", json.dumps({"PRINTING": True}), True),
    "as its name says": ("release", json.dumps({"PRINTING": False}), False),
    "another than its name says": ("debug", json.dumps({"PRINTING": False}), False),
    "without the option": ("debug", json.dumps({}), True),
    "unreadable": ("release", "{", False),
}


@pytest.mark.parametrize("name", KERNELS)
def test_the_sdk_knows_better_than_the_name(tmp_path: Path, name: str) -> None:
    config, text, prints = KERNELS[name]
    found = silence(example(f"system.config='{config}'"), put_sdk(tmp_path, config, text), None)
    assert (found is None) == prints


@pytest.mark.parametrize("at", [0, 7, 8, 9, 10, 4000])
def test_an_image_whose_loader_prints_is_not_silent(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", 10)
    image = tmp_path / "loader.img"
    image.write_bytes(b"x" * at + b"LDR|INFO: " + b"x" * 9)
    assert silence(example(RELEASE), None, str(image)) is None
    image.write_bytes(b"x" * at + b"LDR INFO: ")
    assert silence(example(RELEASE), None, str(image)) is not None


def test_who_has_the_uart_is_heard() -> None:
    found = silence(example(RELEASE, UART), None, None)
    assert found is not None
    assert found.heard == ("client1",)
    assert found.tell() == f"{SAID} ({BY_NAME}): only client1 with the UART will be seen"


# A board of QEMU's has its UART at 0x9000000; a domain that maps it prints by itself.
OWNER: Final = """
[system]
name = "owner"
boards = ["qemu_virt_aarch64"]
config = "release"
[[memory_region]]
name = "registers"
size = 0x1000
phys_addr = {address:#x}
[[protection_domain]]
name = "alone"
program_image = "alone.elf"
[[map]]
pd = "alone"
mr = "registers"
vaddr = 0x2000_0000
cached = false
"""


@pytest.mark.parametrize(("address", "heard"), [(0x900_0000, ("alone",)), (0x901_0000, ())])
def test_a_domain_that_maps_the_uart_is_heard(tmp_path: Path, address: int, heard: tuple[str, ...]) -> None:
    path = tmp_path / "system.toml"
    path.write_text(OWNER.format(address=address))
    found = silence(describe(str(path)).systems["qemu_virt_aarch64"], None, None)
    assert found is not None
    assert found.heard == heard


# What is set and asked for; the status; what is said.
RUNS: Final[dict[str, tuple[tuple[str, ...], int, str]]] = {
    "a guest": (
        ("--set", RELEASE, "--expect", "client1:boot"),
        2,
        f"""--set {RELEASE}:1:1: error[SDF224]: --expect client1:boot: {SAID} ({BY_NAME}), \
so nothing of `client1` will ever be seen
    1 | {RELEASE}
      | ^
  help: {WAYS_OUT}

1 error
""",
    ),
    "anything": (("--set", RELEASE, "--expect", "boot"), 2, f"--expect boot: {SAID} ({BY_NAME}), so nothing will ever"),
    "another guest than the one with the UART": (
        ("--set", RELEASE, "--set", UART, "--expect", "client2:boot"),
        2,
        "so nothing of `client2` will ever be seen",
    ),
    "the guest with the UART": (
        ("--set", RELEASE, "--set", UART, "--expect", "client1:boot"),
        0,
        "only client1 with the UART will be seen",
    ),
    "anything of the guest with the UART": (("--set", RELEASE, "--set", UART, "--expect", "boot"), 0, "only client1"),
    "nothing expected": (("--set", RELEASE), 0, f"sdfgen: {SAID} ({BY_NAME}): nothing will be seen\n"),
}


@pytest.mark.parametrize("name", RUNS)
def test_what_can_never_be_seen_is_said_at_once(name: str, project: Path, qemu: FakeQemu) -> None:
    arguments, status, said = RUNS[name]
    qemu.will("booted\n", status=0)
    found, _, err = run(qemu, *LOADED, *arguments)
    assert (found, said in err) == (status, True), err
    assert (project / "system.toml").read_bytes() == EXAMPLE.read_bytes()


def test_a_kernel_that_prints_is_not_talked_about(project: Path, qemu: FakeQemu) -> None:
    qemu.will("booted\n", status=0)
    found, _, err = run(qemu, *LOADED, "--expect", "boot")
    assert (found, SAID in err) == (0, False)
    assert project.is_dir()


def test_consoles_of_a_release_kernel_are_heard() -> None:
    system = describe(str(SYSTEMS / "consoles.toml"), (RELEASE,)).systems["qemu_virt_aarch64"]
    found, consoles = silence(system, None, None), consoles_of(system)
    assert found is not None
    assert found.terminals == ("client1", "client2", "greeter")
    assert found.tell().endswith(": only the consoles of client1, client2, greeter will be seen")
    refuse_unseen(found, [expectation("client1:up", consoles), expectation("greeter:up", consoles)], consoles)
    with pytest.raises(UsageError, match="nothing of `quiet` will ever be seen"):
        refuse_unseen(found, [expectation("quiet:up", consoles)], consoles)
