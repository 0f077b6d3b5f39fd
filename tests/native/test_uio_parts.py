"""The event loop and the small parts of the UIO block driver, by themselves."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.sddf_queue import BLOCK

from .toolchain import C_TESTS, TEMPLATES_C, build_native

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOP_TESTS = (
    "interrupts_start_turned_on_and_with_a_look",
    "the_interrupt_is_turned_on_before_the_queue_is_looked_at",
    "an_interrupt_during_a_look_brings_another_look",
    "each_interrupt_brings_one_look",
    "stopping_in_a_look_leaves_later_interrupts_unanswered",
    "a_device_without_an_interrupt_is_never_polled",
    "any_descriptor_can_be_an_event",
    "interrupts_come_before_other_events",
    "signals_are_events",
    "other_events_have_their_turn_before_another_one",
    "another_turn_comes_without_an_event",
    "a_loop_asks_whether_it_may_sleep",
    "a_loop_that_may_not_sleep_does_not",
    "a_device_that_goes_away_is_an_error",
    "a_short_count_is_an_error",
    "an_interrupt_that_can_not_be_turned_on_is_an_error",
    "a_file_is_no_event",
    "there_is_an_end_to_sources",
    "a_notification_is_a_store",
)
PARTS_TESTS = (
    "copies_are_whole_and_stay_inside",
    "a_whole_transfer_ends_a_job",
    "a_short_transfer_goes_on_at_a_sector",
    "a_transfer_that_gets_nowhere_is_a_fault",
    "an_error_ends_a_job",
    "interruptions_are_borne_but_not_for_ever",
    "a_job_without_data_is_done_at_once",
    "the_size_of_the_disk_is_kept",
)


def built(programs: Path, test: str, *sources: str) -> str:
    paths = [os.path.join(TEMPLATES_C, source) for source in sources]
    flags = ("-I", os.path.join(TEMPLATES_C, "uio_block"))
    return build_native(str(programs / test), [os.path.join(C_TESTS, f"{test}.c"), *paths], *flags)


@pytest.fixture(scope="session")
def loop_test(programs: Path) -> str:
    return built(programs, "uio_loop_test", "uio/uio_loop.c", "uio/libuio.c", "uio/uio_sysfs.c")


@pytest.fixture(scope="session")
def parts_test(programs: Path) -> str:
    return built(programs, "uio_parts_test", "uio/device_copy.c", "uio_block/block_job.c", "uio_block/block_disk.c")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=20)


def test_every_unit_test_is_named_here(loop_test: str, parts_test: str) -> None:
    assert tuple(run(loop_test, "--list").stdout.split()) == LOOP_TESTS
    assert tuple(run(parts_test, "--list").stdout.split()) == PARTS_TESTS


@pytest.mark.parametrize("name", LOOP_TESTS)
def test_loop(loop_test: str, name: str) -> None:
    done = run(loop_test, name)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PARTS_TESTS)
def test_part(parts_test: str, name: str) -> None:
    done = run(parts_test, name)
    assert (done.returncode, done.stderr) == (0, "")


# Serial numbers.

SERIALS = {
    "virtio": ({"serial": "disk-7\n"}, "disk-7"),
    "virtio_without_a_newline": ({"serial": "disk-7"}, "disk-7"),
    "nvme_is_padded": ({"device/serial": "S3X9NX0M   \n"}, "S3X9NX0M"),
    "its_own_before_the_controllers": ({"serial": "own\n", "device/serial": "other\n"}, "own"),
    "empty_is_none": ({"serial": "\n", "device/serial": "0x1234abcd\n"}, "0x1234abcd"),
    "partition": ({"../serial": "whole\n"}, "whole"),
    "partition_of_an_mmc": ({"../device/serial": "0x1\n"}, "0x1"),
    "as_long_as_it_may_be": ({"serial": "x" * 64}, "x" * 64),
    "longer": ({"serial": "y" * 70 + "\n"}, "y" * 64),
    "none": ({}, ""),
}


@pytest.mark.parametrize("name", SERIALS)
def test_serial(parts_test: str, tmp_path: Path, name: str) -> None:
    files, serial = SERIALS[name]
    device = tmp_path / "sys" / "devices" / "vda" / "vda1"
    device.mkdir(parents=True)
    (tmp_path / "sys" / "dev" / "block").mkdir(parents=True)
    (tmp_path / "sys" / "dev" / "block" / "253:4").symlink_to(device)
    for file, text in files.items():
        path = device / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="ascii")
    assert run(parts_test, "serial", str(tmp_path / "sys")).stdout == serial.ljust(64, "\0")


# A block device.


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(bytes(100 * BLOCK))
    return path


def losetup(*options: str) -> str:
    done = subprocess.run(["losetup", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no loop device can be set up here: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture
def loop_device(image: Path) -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("setting up a loop device takes root")
    device = losetup("--find", "--show", "--sector-size", "4096", str(image))
    yield device
    # The flag outlives the set-up.
    subprocess.run(["blockdev", "--setrw", device], check=True)
    losetup("--detach", device)


def test_a_block_device_is_measured_and_missed_when_it_is_gone(parts_test: str, image: Path, loop_device: str) -> None:
    with subprocess.Popen(
        [parts_test, "disk", loop_device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "1 0 4096 100 3 0\n"
        os.truncate(image, 0)
        losetup("--set-capacity", loop_device)
        rest, _ = program.communicate("\n", timeout=20)
    assert rest == "4\n"


def test_a_read_only_block_device_is_opened_for_reading(parts_test: str, loop_device: str) -> None:
    subprocess.run(["blockdev", "--setro", loop_device], check=True)
    assert run(parts_test, "disk", loop_device).stdout.startswith("1 1 4096 100 3 0\n")
