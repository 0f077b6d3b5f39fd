"""What the block path costs without a guest and a disk: instructions, requests per second, notifications."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.measure import ROOT, BenchmarkError, Spread, place, run, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES: Final = ("benchmarks/datapath/*.c", "templates/c/virtio/virtq.c", "templates/c/virtio/guest_ram.c")
MORE_SOURCES: Final = ("templates/c/virtio_blk/*.c", "templates/c/block/*.c", "templates/c/block_virt/*.c")
FLAGS: Final = ("-std=c11", "-O2", "-g", "-Itemplates/c/include", "-Ibenchmarks/datapath")
COUNTED: Final = "virtio_blk_step"
"""The function whose instructions are counted, with all it calls: a guest's mock and the null driver are outside."""
COUNTED_REQUESTS: Final = 4096
TIMED_REQUESTS: Final = {4096: 400_000, 131072: 40_000}
DEPTH: Final = 32
RING: Final = 256
NOTIFICATION_GOAL: Final = 0.1
HOPS: Final = {
    "kicks": "guest to device",
    "to_virt": "client VMM to virtualiser",
    "to_driver": "virtualiser to driver",
    "from_driver": "driver to virtualiser",
    "to_client": "virtualiser to client VMM",
    "interrupts": "device to guest",
}
_COPY: Final = re.compile(r"^\s*([\d,]+)\s.*:(?:__)?mem(?:cpy|move)", re.MULTILINE)
_TOTAL: Final = re.compile(r"Collected : (\d+)")


class Load(NamedTuple):
    """One kind of request, kept under way `depth` times in a ring of `ring` descriptors."""

    size_bytes: int
    kind: str
    ring: int = RING
    depth: int = DEPTH

    def arguments(self, layers: str, requests: int) -> tuple[str, ...]:
        """Return the program's arguments: `device` alone or the whole `path`."""
        return layers, str(self.size_bytes), self.kind, str(self.ring), str(self.depth), str(requests)


LOADS: Final = tuple(Load(size, kind) for size in (4096, 131072) for kind in ("direct", "indirect"))
RINGS: Final = tuple(Load(4096, "direct", ring, 4) for ring in (16, 64, 256))


def program() -> str:
    """Compile the benchmark with the machine's own compiler and return its path."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchmarkError("no C compiler is installed (Debian: gcc)")
    sources = [name for pattern in (*SOURCES, *MORE_SOURCES) for name in sorted(glob.glob(pattern, root_dir=ROOT))]
    os.makedirs(os.path.join(ROOT, place()), exist_ok=True)
    run(compiler, *FLAGS, *sources, "-o", place("datapath"))
    return place("datapath")


def instructions(binary: str, load: Load) -> dict[str, Any]:
    """Count what the device executes for one request: parsing, copying and completing it.

    Args:
        binary: The benchmark.
        load: Which requests.

    Returns:
        Instructions for one request, and how many of them are the copy of its data.
    """
    out = place("callgrind.out")
    outputs = (f"--callgrind-out-file={out}", f"--log-file={out}.log")
    run(
        "valgrind",
        "--tool=callgrind",
        f"--toggle-collect={COUNTED}",
        *outputs,
        binary,
        *load.arguments("device", COUNTED_REQUESTS),
    )
    with open(os.path.join(ROOT, f"{out}.log"), encoding="utf-8") as file:
        found = _TOTAL.search(file.read())
    if found is None:
        raise BenchmarkError("callgrind counted nothing")
    copies = _COPY.findall(run("callgrind_annotate", "--auto=no", out))
    copied = sum(int(text.replace(",", "")) for text in copies)
    return {
        **load._asdict(),
        "instructions": round(int(found[1]) / COUNTED_REQUESTS),
        "copying": round(copied / COUNTED_REQUESTS),
    }


def throughput(binary: str, load: Load, rounds: int) -> dict[str, Any]:
    """Push requests through device, virtualiser and a driver that answers at once.

    Args:
        binary: The benchmark.
        load: Which requests.
        rounds: How often.
    """
    words = load.arguments("path", TIMED_REQUESTS[load.size_bytes])
    outcomes = [json.loads(run(binary, *words)) for _ in range(rounds)]
    rate = spread(outcome["requests_per_s"] for outcome in outcomes)
    hops = {name: outcomes[0][name] for name in HOPS}
    return {**load._asdict(), "depth": outcomes[0]["depth"], "requests_per_s": rate._asdict(), **hops}


def measured(rounds: int) -> dict[str, Any]:
    """Measure all of it.

    Args:
        rounds: How often what is timed runs.
    """
    binary = program()
    counts = [instructions(binary, load) for load in (*LOADS, *RINGS)] if shutil.which("valgrind") else []
    return {"instructions": counts, "throughput": [throughput(binary, load, rounds) for load in LOADS]}


def shown(report: dict[str, Any]) -> Iterator[str]:
    """Give a report's lines.

    Args:
        report: What was measured.
    """
    yield "Block path without guest and disk"
    yield "  instructions per request in the device (parse, copy, complete), by callgrind"
    if not report["instructions"]:
        yield "    not counted: valgrind is not installed"
    for row in report["instructions"]:
        yield f"    {_load_text(row)} {row['instructions']:>7}, of them copying {row['copying']}"
    yield "  requests per second through device, virtualiser and null driver, one core"
    for row in report["throughput"]:
        rate = Spread(**row["requests_per_s"])
        yield f"    {_load_text(row)} {rate.median:>9.0f} ({rate.minimum:.0f} to {rate.maximum:.0f})"
    yield "  notifications per request"
    for row in report["throughput"]:
        yield f"    {_load_text(row)} " + ", ".join(f"{text} {row[name]:.3f}" for name, text in HOPS.items())
        guest = row["kicks"] + row["interrupts"]
        if row["depth"] == DEPTH:
            verdict = "met" if guest < NOTIFICATION_GOAL else "MISSED"
            yield f"      goal: the guest's two together below {NOTIFICATION_GOAL}: {guest:.4f}, {verdict}"


def _load_text(row: dict[str, Any]) -> str:
    return f"{row['size_bytes'] >> 10:>4} KiB {row['kind']:<8} ring {row['ring']:>3} depth {row['depth']:>2}"
