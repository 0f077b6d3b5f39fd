"""What Frama-C's value analysis (EVA) proves of the C that reads what others wrote: docs/proofs.md."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .frama_targets import TARGETS, Target
from .toolchain import HERE, TEMPLATES_C

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import Golden

FRAMA = os.path.join(HERE, "frama")
ALARMS = os.path.join(FRAMA, "alarms")
ALARM = re.compile(r"^\[eva:alarm\] (\S+):\d+: Warning: *\n((?:  .*\n)+)", re.MULTILINE)
UNEXPLAINED = "UNEXPLAINED: say here why this can't happen, or change the code so that it is no alarm"
# The slowest target takes a minute of a core; others may be at work on it.
TIMEOUT_SECONDS = 900

pytestmark = pytest.mark.skipif(shutil.which("frama-c") is None, reason="frama-c is not installed (frama-c-base)")


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something in the product that the analysis must see when it says something else."""

    target: str
    source: str
    sound: str
    faulty: str
    alarm: str  # the first one that the sound product does not raise


FAULTS = {
    "a_ring_entry_without_its_mask": Fault(
        target="virtq",
        source="virtio/virtq.c",
        sound="RING_ENTRIES + (queue->next_avail & queue->mask)",
        faulty="RING_ENTRIES + queue->next_avail",
        alarm=(
            r"virtq.c: invalid pointer creation. assert \object_pointer(queue_0->avail + (unsigned "
            "int)(2u + (unsigned int)queue_0->next_avail));"
        ),
    ),
    "a_slot_without_its_mask": Fault(
        target="block_queue",
        source="block/block_queue.c",
        sound="sddf_blk_request *slot = &reader->slots[reader->end.own & reader->end.mask]",
        faulty="sddf_blk_request *slot = &reader->slots[reader->end.own]",
        alarm=(
            r"block_queue.c: invalid pointer creation. assert \object_pointer(reader->slots + "
            "reader->end.own);"
        ),
    ),
    "one_entry_too_many": Fault(
        target="phys_addr_read",
        source="common/phys_addr.c",
        sound="*count > PHYS_ADDR_MAX_ENTRIES ?",
        faulty="*count > PHYS_ADDR_MAX_ENTRIES + 1 ?",
        alarm="phys_addr.c: accessing out of bounds index. assert i < 62u;",
    ),
    "a_queue_too_many": Fault(
        target="virtio_mmio",
        source="virtio/virtio_mmio.c",
        sound="return mmio->queue_sel < mmio->queue_count ? &mmio->queues",
        faulty="return mmio->queue_sel <= mmio->queue_count ? &mmio->queues",
        alarm="virtio_mmio.c: assertion 'known_queue' got status unknown.",
    ),
    "a_word_beyond_the_page": Fault(
        target="virtio_mmio",
        source="virtio/virtio_mmio_page.c",
        sound="offset < VIRTIO_MMIO_PAGE_BYTES",
        faulty="offset <= VIRTIO_MMIO_PAGE_BYTES",
        alarm=r"shared.h: out of bounds write. assert \valid(word);",
    ),
    "a_vmm_too_many": Fault(
        target="guest_timer",
        source="guest_timer/guest_timer.c",
        sound="i < config->vmm_count",
        faulty="i <= config->vmm_count",
        alarm=r"guest_timer.c: out of bounds read. assert \valid_read(&vmm->page_vaddr);",
    ),
    "a_line_that_is_too_long": Fault(
        target="console_mux",
        source="console_mux/console_mux_screen.c",
        sound="line->used_bytes + CONSOLE_ESCAPE_BYTES > CONSOLE_MUX_TEXT_BYTES",
        faulty="line->used_bytes > CONSOLE_MUX_TEXT_BYTES",
        alarm=(
            "console_mux_screen.c: accessing out of bounds index. assert tmp_0 < 512u; (tmp_0 from line->used_bytes++)"
        ),
    ),
    "a_byte_behind_what_is_kept": Fault(
        target="console_mux",
        source="console_mux/console_mux_kept.c",
        sound="kept->first + kept->count) % CONSOLE_MUX_KEPT_BYTES",
        faulty="kept->first + kept->count) % (CONSOLE_MUX_KEPT_BYTES + 1)",
        alarm=(
            "console_mux_kept.c: accessing out of bounds index. assert (unsigned "
            "int)((uint32_t)(kept->first + kept->count) % (unsigned int)(4096u + 1)) < 4096u;"
        ),
    ),
    "a_queue_without_its_mask": Fault(
        target="uart",
        source="serial/serial_queue.c",
        sound="reader->data[reader->head & (reader->size_bytes - 1)]",
        faulty="reader->data[reader->head]",
        alarm=r"serial_queue.c: invalid pointer creation. assert \object_pointer(reader->data + reader->head);",
    ),
    "a_piece_that_is_too_large": Fault(
        target="virtio_console",
        source="virtio_console/virtio_console.c",
        sound="size_bytes = size_bytes < PIECE_BYTES ? size_bytes : PIECE_BYTES;",
        faulty="size_bytes = size_bytes < 2 * PIECE_BYTES ? size_bytes : 2 * PIECE_BYTES;",
        alarm="virtio_console.c: accessing out of bounds index. assert i < 256u;",
    ),
}


@dataclasses.dataclass(frozen=True)
class Proof:
    """What came of one analysis."""

    alarms: tuple[str, ...]
    functions: frozenset[str]  # those that were analysed to their end


def analysis(target: Target, templates_c: str, *more: str) -> subprocess.CompletedProcess[str]:
    includes = tuple("-I" + os.path.join(templates_c, folder) for folder in ("include", "block_virt", "virtio_blk"))
    defines = tuple("-D" + define for define in target.defines)
    preprocess = " ".join((*includes, "-include", os.path.join(FRAMA, "compiler.h"), *defines))
    per_file = (f"-cpp-extra-args-per-file={os.path.join(templates_c, name)}:-D{what}" for name, what in target.renamed)
    sources = (os.path.join(FRAMA, target.driver), *(os.path.join(templates_c, name) for name in target.sources))
    strict = ("-warn-invalid-pointer", "-warn-invalid-bool")
    kernel = ("-machdep=gcc_x86_64", "-c11", "-cpp-extra-args=" + preprocess, *per_file)
    command = ("frama-c", *kernel, *sources, "-eva", *strict, *target.options, *more)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)


def counted(lines: Iterable[str]) -> tuple[str, ...]:
    """Each different line once, with how often it is there."""
    return tuple(f"{line} (x{count})" if count > 1 else line for line, count in sorted(Counter(lines).items()))


def prove(target: Target, folder: Path) -> Proof:
    report = str(folder / "report.csv")
    done = analysis(target, TEMPLATES_C, "-then", "-report-csv=" + report, "-report-no-proven")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    with open(report, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    ends = (line.rpartition(" ")[2].rstrip(":") for line in done.stdout.splitlines() if "at end of function" in line)
    alarms = (f"{row['function']}: {row['property kind']}: {row['property']}" for row in rows)
    return Proof(counted(alarms), frozenset(ends))


def last_alarm(target: Target, explained: int, templates_c: str) -> str:
    """The first alarm that is one more than those explained: it ends the analysis, and the rest is not waited for."""
    done = analysis(target, templates_c, f"-eva-stop-at-nth-alarm={explained + 1}")
    alarms = ALARM.findall(done.stdout)
    assert alarms, done.stdout[-3000:] + done.stderr
    path, said = alarms[-1]
    return f"{os.path.basename(path)}: {' '.join(said.split())}"


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
    fault = FAULTS[name]
    copy = str(tmp_path / "c")
    shutil.copytree(TEMPLATES_C, copy)
    path = os.path.join(copy, fault.source)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count(fault.sound) == 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(fault.sound, fault.faulty))
    explained = len(explanations(golden_path(fault.target, tmp_path)))
    assert last_alarm(TARGETS[fault.target], explained, copy) == fault.alarm


def golden_path(name: str, like: Path) -> Path:
    return type(like)(os.path.join(ALARMS, name + ".txt"))
