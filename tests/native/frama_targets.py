"""What EVA analyses, and how precisely: docs/proofs.md."""

from __future__ import annotations

import dataclasses


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
    "put_bytes": 30,
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
