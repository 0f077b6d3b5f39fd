"""What Frama-C's value analysis (EVA) proves of the C that reads what others wrote: docs/proofs.md."""

from __future__ import annotations

import csv
import dataclasses
import os
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .toolchain import HERE, TEMPLATES_C

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import Golden

FRAMA = os.path.join(HERE, "frama")
ALARMS = os.path.join(FRAMA, "alarms")
UNEXPLAINED = "UNEXPLAINED: say here why this can't happen, or change the code so that it is no alarm"
# The slowest target takes a minute of an idle core; others may be at work on it.
TIMEOUT_SECONDS = 900

pytestmark = pytest.mark.skipif(shutil.which("frama-c") is None, reason="frama-c is not installed (frama-c-base)")


@dataclasses.dataclass(frozen=True)
class Target:
    """A driver with the product's files it calls, and how precise the analysis must be for it."""

    driver: str
    sources: tuple[str, ...]
    options: tuple[str, ...]
    reached: tuple[str, ...]  # functions that must not be vacuously proven
    defines: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()  # source, define: for this file only


BLOCK_VIRT_PARTS = ("", "_client", "_disk", "_driver", "_piece", "_rate", "_slots", "_time")

RING = Target(
    driver="virtq.c",
    sources=("virtio/virtq.c", "virtio/guest_ram.c"),
    options=(
        "-eva-precision=1",
        "-eva-slevel=30",
        "-eva-split-return=full",
        "-eva-slevel-function=main:200,walk_chain:0,guest_ram_load:0,virtq_start:100",
        "-eva-min-loop-unroll=2",
    ),
    reached=(
        "virtq_start",
        "virtq_pop",
        "virtq_push",
        "virtq_publish",
        "virtq_enable_kicks",
        "virtq_waits",
        "virtq_stop",
    ),
    defines=("INDIRECT=0", "RING_SIZE=256"),
)

CONSOLE_SLEVELS = {
    "console_mux_init": 100,
    "append": 50,
    "screen_number": 100,
    "put_bytes": 200,
    "next_byte": 10,
    "show": 20,
    "show_begun": 20,
    "console_line_show": 10,
}

TARGETS = {
    "phys_addr_read": Target(
        driver="phys_addr.c",
        sources=("common/phys_addr.c",),
        options=(
            "-eva-slevel=100",
            "-eva-slevel-function=check_table:8,check_pair:5,check_entry:10,phys_addr_read:10",
            "-eva-auto-loop-unroll=8",
            "-eva-split-return-function=read_header:0",
        ),
        reached=("phys_addr_read", "phys_addr_compare", "phys_addr_find", "phys_addr_strerror"),
        defines=("DIRECTION=read",),
    ),
    "phys_addr_publish": Target(
        driver="phys_addr.c",
        sources=("common/phys_addr.c",),
        options=("-eva-slevel=400", "-eva-auto-loop-unroll=8", "-eva-split-return=full"),
        reached=("phys_addr_publish",),
        defines=("DIRECTION=publish",),
    ),
    "block_queue": Target(
        driver="block_queue.c",
        sources=("block/block_queue.c",),
        options=("-eva-precision=2",),
        reached=(
            "block_request_put",
            "block_request_take",
            "block_response_put",
            "block_response_take",
            "block_queue_publish",
            "block_queue_release",
        ),
    ),
    "block_cells": Target(
        driver="block_cells.c",
        sources=("block/block_cells.c",),
        options=("-eva-slevel=20", "-eva-slevel-function=main:500"),
        reached=("block_cells_init", "block_cells_take", "block_cells_give"),
    ),
    "virtq": RING,
    "virtq_ring_of_1": dataclasses.replace(RING, defines=("INDIRECT=0", "RING_SIZE=1")),
    "virtq_indirect": Target(
        driver="virtq.c",
        sources=("virtio/virtq.c", "virtio/guest_ram.c"),
        options=(
            "-eva-precision=1",
            "-eva-slevel=20",
            "-eva-split-return=full",
            "-eva-slevel-function=main:200,walk_chain:0,guest_ram_load:20,guest_ram_read:0,virtq_start:100",
            "-eva-min-loop-unroll=2",
            "-eva-interprocedural-splits",
        ),
        reached=("virtq_pop", "walk_chain", "enter_indirect", "guest_ram_read", "virtq_push"),
        defines=("INDIRECT=1", "RING_SIZE=2"),
        renamed=(("virtio/guest_ram.c", "guest_ram_whole=product_whole"),),
    ),
    "virtio_blk_request": Target(
        driver="virtio_blk_request.c",
        sources=("virtio_blk/virtio_blk_request.c", "virtio/guest_ram.c"),
        options=("-eva-slevel=2000", "-eva-slevel-function=parse:0", "-eva-min-loop-unroll=600"),
        reached=("virtio_blk_parse", "parse_in", "parse_out", "parse_range", "parse_get_id", "guest_ram_load"),
    ),
    "virtio_blk": Target(
        driver="virtio_blk.c",
        sources=(
            "virtio_blk/virtio_blk.c",
            "virtio_blk/virtio_blk_ops.c",
            "virtio_blk/virtio_blk_piece.c",
            "virtio_blk/virtio_blk_task.c",
            "virtio_blk/virtio_blk_request.c",
            "virtio/virtq.c",
            "virtio/guest_ram.c",
            "block/block_cells.c",
            "block/block_queue.c",
        ),
        options=(
            "-eva-precision=1",
            "-eva-slevel=30",
            "-eva-ilevel=256",
            "-eva-plevel=1000",
            "-eva-slevel-function=main:100,virtq_start:100",
            "-eva-auto-loop-unroll=200",
            "-eva-split-return=full",
        ),
        reached=(
            "virtio_blk_init",
            "virtio_blk_ready",
            "virtio_blk_start_queue",
            "task_orphan_all",
            "virtio_blk_reset",
        ),
    ),
    "guest_timer": Target(
        driver="guest_timer.c",
        sources=("guest_timer/guest_timer.c",),
        options=("-eva-precision=1", "-eva-slevel=200", "-eva-auto-loop-unroll=70"),
        reached=("guest_timer_step", "wake"),
    ),
    "virtio_mmio": Target(
        driver="virtio_mmio.c",
        sources=("virtio/virtio_mmio.c", "virtio/virtio_mmio_page.c"),
        options=(
            "-eva-slevel=50",
            "-eva-slevel-function=main:0",
            "-eva-ilevel=128",
            "-eva-auto-loop-unroll=10",
            "-eva-split-return=full",
        ),
        reached=("virtio_mmio_init", "virtio_mmio_read", "virtio_mmio_write", "virtio_mmio_step", "show_all"),
    ),
    "console_mux": Target(
        driver="console_mux.c",
        sources=(
            *(f"console_mux/console_mux{part}.c" for part in ("", "_input", "_kept", "_screen")),
            "serial/serial_queue.c",
            "pl011/console_line.c",
        ),
        options=(
            "-eva-precision=0",
            "-eva-auto-loop-unroll=70",
            "-eva-slevel-function=" + ",".join(f"{name}:{level}" for name, level in CONSOLE_SLEVELS.items()),
            "-eva-split-return=full",
            "-eva-interprocedural-splits",
        ),
        reached=(
            "console_mux_init",
            "console_mux_step",
            "show",
            "keep",
            "take_command",
            "toggle_full_screen",
            "screen_put_in_line",
            "screen_number",
        ),
    ),
    "uart": Target(
        driver="uart.c",
        sources=("uart/uart.c", "serial/serial_queue.c"),
        options=("-eva-precision=0", "-eva-auto-loop-unroll=10", "-eva-split-return=full"),
        reached=("uart_init", "uart_step", "send", "receive"),
    ),
    "virtio_console": Target(
        driver="virtio_console.c",
        sources=("virtio_console/virtio_console.c", "serial/serial_queue.c"),
        options=("-eva-precision=1", "-eva-split-return=full"),
        reached=("step", "send_some", "fill", "publish", "start_queue", "reset", "virtio_console_owes"),
    ),
    "block_virt": Target(
        driver="block_virt.c",
        sources=(
            *(f"block_virt/block_virt{part}.c" for part in BLOCK_VIRT_PARTS),
            "block/block_queue.c",
        ),
        options=(
            "-eva-precision=0",
            "-eva-auto-loop-unroll=70",
            "-eva-plevel=20000",
            "-eva-ilevel=64",  # more than the marks of both clients
            "-eva-slevel-function=virt_slots_init:300,init_sessions:20,virt_disk_settle_clients:20",
        ),
        reached=(
            "block_virt_init",
            "block_virt_step_notified",
            "take_request",
            "take_response",
            "forward",
            "lose_driver",
            "virt_driver_recall",
            "hand_on_again",
            "expire",
            "virt_disk_take_block",
        ),
    ),
    "block_virt_partition": Target(
        driver="block_virt_partition.c",
        sources=(*(f"block_virt/{part}.c" for part in ("partition", "partition_gpt", "partition_name", "crc32")),),
        options=("-eva-precision=0", "-eva-auto-loop-unroll=130", "-eva-plevel=5000"),
        reached=("partition_table_start", "partition_table_feed", "partition_of", "has_uuid", "has_label"),
    ),
}

# A fault in the product that the analysis must see: target, file, what it says, what it is made to say.
FAULTS = {
    "a_ring_entry_without_its_mask": (
        "virtq",
        "virtio/virtq.c",
        "RING_ENTRIES + (queue->next_avail & queue->mask)",
        "RING_ENTRIES + queue->next_avail",
    ),
    "a_slot_without_its_mask": (
        "block_queue",
        "block/block_queue.c",
        "sddf_blk_request *slot = &reader->slots[reader->end.own & reader->end.mask]",
        "sddf_blk_request *slot = &reader->slots[reader->end.own]",
    ),
    "one_entry_too_many": (
        "phys_addr_read",
        "common/phys_addr.c",
        "*count > PHYS_ADDR_MAX_ENTRIES ?",
        "*count > PHYS_ADDR_MAX_ENTRIES + 1 ?",
    ),
    "a_queue_too_many": (
        "virtio_mmio",
        "virtio/virtio_mmio.c",
        "return mmio->queue_sel < mmio->queue_count ? &mmio->queues",
        "return mmio->queue_sel <= mmio->queue_count ? &mmio->queues",
    ),
    "a_word_beyond_the_page": (
        "virtio_mmio",
        "virtio/virtio_mmio_page.c",
        "offset < VIRTIO_MMIO_PAGE_BYTES",
        "offset <= VIRTIO_MMIO_PAGE_BYTES",
    ),
    "a_vmm_too_many": (
        "guest_timer",
        "guest_timer/guest_timer.c",
        "i < config->vmm_count",
        "i <= config->vmm_count",
    ),
    "a_line_that_is_too_long": (
        "console_mux",
        "console_mux/console_mux_screen.c",
        "line->used_bytes + CONSOLE_ESCAPE_BYTES > CONSOLE_MUX_TEXT_BYTES",
        "line->used_bytes > CONSOLE_MUX_TEXT_BYTES",
    ),
    "a_byte_behind_what_is_kept": (
        "console_mux",
        "console_mux/console_mux_kept.c",
        "kept->first + kept->count) % CONSOLE_MUX_KEPT_BYTES",
        "kept->first + kept->count) % (CONSOLE_MUX_KEPT_BYTES + 1)",
    ),
    "a_queue_without_its_mask": (
        "uart",
        "serial/serial_queue.c",
        "reader->data[reader->head & (reader->size_bytes - 1)]",
        "reader->data[reader->head]",
    ),
    "a_piece_that_is_too_large": (
        "virtio_console",
        "virtio_console/virtio_console.c",
        "size_bytes = size_bytes < PIECE_BYTES ? size_bytes : PIECE_BYTES;",
        "size_bytes = size_bytes < 2 * PIECE_BYTES ? size_bytes : 2 * PIECE_BYTES;",
    ),
}


@dataclasses.dataclass(frozen=True)
class Proof:
    """What came of one analysis."""

    alarms: tuple[str, ...]
    functions: frozenset[str]  # those that were analysed to their end


def command(target: Target, report: str, templates_c: str) -> tuple[str, ...]:
    includes = tuple("-I" + os.path.join(templates_c, folder) for folder in ("include", "block_virt", "virtio_blk"))
    defines = tuple("-D" + define for define in target.defines)
    preprocess = " ".join((*includes, "-include", os.path.join(FRAMA, "compiler.h"), *defines))
    per_file = (f"-cpp-extra-args-per-file={os.path.join(templates_c, name)}:-D{what}" for name, what in target.renamed)
    sources = (os.path.join(FRAMA, target.driver), *(os.path.join(templates_c, name) for name in target.sources))
    strict = ("-warn-invalid-pointer", "-warn-invalid-bool")
    kernel = ("-machdep=gcc_x86_64", "-c11", "-cpp-extra-args=" + preprocess, *per_file)
    analysis = ("-eva", *strict, *target.options)
    return ("frama-c", *kernel, *sources, *analysis, "-then", "-report-csv=" + report, "-report-no-proven")


def counted(lines: Iterable[str]) -> tuple[str, ...]:
    """Each different line once, with how often it is there."""
    return tuple(f"{line} (x{count})" if count > 1 else line for line, count in sorted(Counter(lines).items()))


def prove(target: Target, folder: Path, templates_c: str = TEMPLATES_C) -> Proof:
    report = str(folder / "report.csv")
    done = subprocess.run(
        command(target, report, templates_c), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    with open(report, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    ends = (line.rpartition(" ")[2].rstrip(":") for line in done.stdout.splitlines() if "at end of function" in line)
    alarms = (f"{row['function']}: {row['property kind']}: {row['property']}" for row in rows)
    return Proof(counted(alarms), frozenset(ends))


def explanations(path: Path) -> dict[str, str]:
    """The alarms of a list, each followed by an indented explanation."""
    found: dict[str, str] = {}
    alarm = ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("  "):
            found[alarm] = found[alarm] + line + "\n"
        else:
            alarm = line
            found[alarm] = ""
    return found


def listed(alarms: Iterable[str], explained: dict[str, str]) -> str:
    return "".join(f"{alarm}\n{explained.get(alarm) or '  ' + UNEXPLAINED + chr(10)}" for alarm in alarms)


@pytest.mark.parametrize("name", TARGETS)
def test_alarms_are_those_that_are_explained(name: str, tmp_path: Path, golden: Golden) -> None:
    proof = prove(TARGETS[name], tmp_path)
    path = golden_path(name, tmp_path)
    golden.check(path, listed(proof.alarms, explanations(path)))
    assert UNEXPLAINED not in path.read_text(encoding="utf-8")
    assert set(TARGETS[name].reached) - proof.functions == set()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_an_alarm(name: str, tmp_path: Path) -> None:
    target, source, sound, faulty = FAULTS[name]
    copy = str(tmp_path / "c")
    shutil.copytree(TEMPLATES_C, copy)
    path = os.path.join(copy, source)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count(sound) == 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(sound, faulty))
    proof = prove(TARGETS[target], tmp_path, copy)
    assert set(proof.alarms) - set(explanations(golden_path(target, tmp_path)))


def golden_path(name: str, like: Path) -> Path:
    return type(like)(os.path.join(ALARMS, name + ".txt"))
