"""Parties that share memory and may run on several cores: every interleaving up to a bound, and threads."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from sdfgen.build.toolchain import WARNINGS

from .toolchain import C_TESTS, TEMPLATES_C, folders, include_flags, run, why_unusable

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT: Final = ("virtio", "virtio_blk", "block", "block_virt", "counters", "vmm_virtio", "vmm_virtio_blk")
PARTIES: Final = ("race_parties.c", "race_native.c", "race_guest.c")
RACE: Final = os.path.join(C_TESTS, "race")
TIMEOUT_S: Final = 600
LEAST_RUNS: Final = 100

# Scenario, deviations, orders.
EXPLORED: Final = (
    *((f"native_{name}", 2, 24) for name in ("1", "2", "4")),
    *((f"native_{name}", 1, 24) for name in ("8", "4_of_depth_1")),
    *((f"guest_of_{name}", 1, 24) for name in ("1_with_flags", "4_with_flags", "8_with_events")),
    *((f"guest_of_{name}", 2, 3) for name in ("1_with_flags", "1_with_events", "4_with_events")),
    *((f"ids_of_{name}", 2, 24) for name in ("1_with_flags", "1_with_events", "2_with_flags")),
    ("ids_of_2_with_events", 3, 24),
    *((f"{when}_of_4_with_{how}", 1, 24) for when in ("exits", "owes") for how in ("flags", "events")),
)
THREADED: Final = (
    *(f"native_{name}" for name in ("1", "4", "4_of_depth_1", "8", "64")),
    *(f"guest_of_{size}_with_{how}" for size in ("1", "4", "128") for how in ("flags", "events")),
    *(f"ids_of_{size}_with_{how}" for size in ("2", "128") for how in ("flags", "events")),
    *(f"{when}_of_{size}" for when in ("exits", "owes") for size in ("4_with_flags", "4_with_events", "128_with_events")),
)
REQUESTS: Final = 5000
# Threads meet by chance.
TRIES: Final = 20


class Fault(NamedTuple):
    """What is put into the product, and who sees it: the scenario that is explored, or run by threads."""

    scenario: tuple[str, int, int] | str
    source: str
    before: str
    after: str


LOOK_AGAIN: Final = "} while (find_room(virt));"
FAULTS: Final = {
    "told_by_what_was_seen": Fault(
        ("native_2", 2, 24),
        "block/block_queue.c",
        "return shared_load_u32(reader_end->peer_word) - head_before;",
        "return head_before + taken - head_before;",
    ),
    "told_by_what_was_seen_of_a_guest": Fault(
        ("guest_of_8_with_events", 1, 24),
        "virtio_blk/virtio_blk.c",
        "const uint32_t found = block_queue_release(&device->responses.end, taken);",
        "(void)block_queue_release(&device->responses.end, taken);\n        const uint32_t found = taken;",
    ),
    "no_slot_kept_for_a_second_response": Fault(
        ("guest_of_4_with_flags", 1, 24),
        "virtio_blk/virtio_blk.c",
        "device->resilient ? 1 + late + (filled - taken) : 0",
        "(late + taken) * 0",
    ),
    "no_second_look_for_room": Fault(
        ("native_2", 2, 24), "block_virt/block_virt.c", LOOK_AGAIN, "} while (false && find_room(virt));"
    ),
    "no_fence_before_the_second_look": Fault(
        ("native_2", 2, 24), "block_virt/block_virt.c", "if (mask != 0) {\n        shared_fence();", "if (mask == 1) {"
    ),
    "no_fence_after_release": Fault(
        ("native_2", 2, 24),
        "block/block_queue.c",
        "shared_fence();\n    return shared_load_u32(reader_end->peer_word)",
        "return shared_load_u32(reader_end->peer_word)",
    ),
    "queue_published_before_its_entries": Fault(
        ("native_2", 1, 24),
        "block/block_queue.c",
        "shared_store_release_u32(end->own_word",
        "shared_store_u32(end->own_word",
    ),
    "entries_taken_before_the_queue_was_looked_at": Fault(
        "native_8",
        "block/block_queue.c",
        "shared_load_acquire_u32(reader_end->peer_word)",
        "shared_load_u32(reader_end->peer_word)",
    ),
    "no_fence_before_looking_whether_the_driver_is_awake": Fault(
        ("native_2", 2, 24),
        "block/block_queue.c",
        "shared_fence();\n    return shared_load_u32(writer->awake)",
        "return shared_load_u32(writer->awake)",
    ),
    "no_fence_after_the_driver_said_that_it_sleeps": Fault(
        ("native_2", 2, 24),
        "block/block_queue.c",
        "shared_store_u32(reader->awake, 0);\n    shared_fence();",
        "shared_store_u32(reader->awake, 0);",
    ),
    "a_driver_that_sleeps_and_never_says_so": Fault(
        ("native_2", 1, 24), "block/block_queue.c", "shared_store_u32(reader->awake, 0);", "(void)reader;"
    ),
    "no_fence_before_looking_for_kicks": Fault(
        ("ids_of_2_with_events", 2, 24),
        "virtio/virtq.c",
        "shared_fence();\n    return is_available(queue)",
        "return is_available(queue)",
    ),
    "no_look_after_asking_for_kicks": Fault(
        ("ids_of_2_with_events", 2, 24),
        "virtio/virtq.c",
        "shared_fence();\n    return is_available(queue) || queue->broken;",
        "return false;",
    ),
    "no_kicks_asked_for_with_nothing_in_flight": Fault(
        ("guest_of_4_with_events", 1, 24),
        "virtio_blk/virtio_blk.c",
        "if (device->watched && device->queue.in_flight_count != 0) {",
        "if (device->watched) {",
    ),
    "no_look_at_what_was_held_back_with_nothing_in_flight": Fault(
        ("owes_of_4_with_events", 1, 24),
        "virtio_blk/virtio_blk.c",
        "return takes_requests(device) && (device->queue.in_flight_count != 0 || device->left)",
        "return takes_requests(device) && device->queue.in_flight_count != 0",
    ),
    "no_fence_before_looking_whether_to_interrupt": Fault(
        ("guest_of_4_with_flags", 2, 24),
        "virtio/virtq.c",
        "shared_fence();\n    if (!queue->event_idx)",
        "if (!queue->event_idx)",
    ),
    "used_before_what_was_read": Fault(
        "guest_of_8_with_events",
        "virtio/virtq.c",
        "shared_store_release_u16(&queue->used[RING_IDX], new)",
        "shared_store_u16(&queue->used[RING_IDX], new)",
    ),
}


GCC: Final = "gcc"
WATCHED: Final = ("-O1", "-fsanitize=thread")
FAST: Final = ("-O2",)


def sources(templates_c: str) -> list[str]:
    """The parties and what they are of the product."""
    product = folders(*PRODUCT, templates_c=templates_c)
    return [
        *(os.path.join(C_TESTS, name) for name in PARTIES),
        *(os.path.join(templates_c, source) for source in product),
    ]


def need(*flags: str) -> None:
    """Skip the test where GCC can't compile with these flags."""
    reason = why_unusable(GCC, *flags)
    if reason is not None:
        pytest.skip(reason)


def explorer(output: str, templates_c: str = TEMPLATES_C) -> str:
    """Compile the program that tries all interleavings, in whose shared.h each access is a call."""
    need("-O2")
    flags = (*WARNINGS.split(), "-O2", "-I", os.path.join(RACE, "explored"), "-I", RACE, *include_flags(templates_c))
    run((GCC, *flags, os.path.join(C_TESTS, "race_explore.c"), *sources(templates_c), "-o", output))
    return output


def threads(output: str, how: tuple[str, ...], templates_c: str = TEMPLATES_C) -> str:
    """Compile the parties as threads."""
    need(how[-1])
    # ThreadSanitizer does not know what fences order, and GCC says so: none here orders one's data for another.
    flags = (*WARNINGS.split(), "-Wno-tsan", "-g", *how, "-I", RACE, *include_flags(templates_c))
    run((GCC, *flags, "-pthread", os.path.join(C_TESTS, "race_threads.c"), *sources(templates_c), "-o", output))
    return output


def ran(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A run of a program."""
    command = (program, *(str(word) for word in words))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)


@pytest.fixture(scope="module")
def explored(programs: Path) -> str:
    return explorer(str(programs / "race_explore"))


@pytest.fixture(scope="module")
def watched_threads(programs: Path) -> str:
    return threads(str(programs / "race_watched"), WATCHED)


@pytest.fixture(scope="module")
def fast_threads(programs: Path) -> str:
    return threads(str(programs / "race_fast"), FAST)


@pytest.mark.parametrize("scenario", EXPLORED, ids=lambda scenario: "-".join(map(str, scenario)))
def test_no_interleaving_loses_anything(explored: str, scenario: tuple[str, int, int]) -> None:
    done = ran(explored, *scenario)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    assert int(done.stdout) > LEAST_RUNS


@pytest.mark.parametrize("scenario", THREADED)
def test_threads_share_without_a_race(watched_threads: str, scenario: str) -> None:
    done = ran(watched_threads, scenario, REQUESTS)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("scenario", THREADED)
def test_threads_lose_nothing(fast_threads: str, scenario: str) -> None:
    done = ran(fast_threads, scenario, 10 * REQUESTS)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    templates = tmp_path / "c"
    shutil.copytree(TEMPLATES_C, templates)
    source = templates / fault.source
    text = source.read_text()
    assert text.count(fault.before) == 1
    source.write_text(text.replace(fault.before, fault.after))
    program = str(tmp_path / "program")
    if isinstance(fault.scenario, str):
        threads(program, WATCHED, str(templates))
        tries = (ran(program, fault.scenario, REQUESTS) for _ in range(TRIES))
        assert any("WARNING: ThreadSanitizer: data race" in done.stderr for done in tries)
    else:
        done = ran(explorer(program, str(templates)), *fault.scenario)
        assert done.returncode == 1, "nothing was seen"
