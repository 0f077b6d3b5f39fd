"""Kills builds at random moments: what was published stays whole each time, and the next build succeeds.

`python -m tests.build.killed 1000` kills a thousand; a seed behind that repeats the moments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Final

BOARD: Final = "qemu_virt_aarch64"
COMMAND: Final = (sys.executable, "-m", "sdfgen", "build", "system.toml", "-q")
DESCRIPTION: Final = """\
[system]
name = "killed"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[[guest]]
name = "one"
disk = [{ partition = 0, queue_capacity = CAPACITY }]
[block]
driver = "storage"
storage = "/dev/vda"
"""
VARIANTS: Final = ("64", "128", "256")
Output = dict[str, bytes]


class BrokenError(Exception):
    """A kill left something else than one of the whole outputs."""


def published(folder: Path) -> Output:
    """What a build has published, but for the file that only has a time."""
    final = folder / "build" / BOARD
    return {
        str(path.relative_to(final)): path.read_bytes() if path.is_file() else b""
        for path in sorted(final.rglob("*"))
        if path.is_file()
    }


def write(folder: Path, variant: str) -> None:
    (folder / "system.toml").write_text(DESCRIPTION.replace("CAPACITY", variant))


def build(folder: Path) -> float:
    """Build; return the seconds that took."""
    began = time.monotonic()
    done = subprocess.run(COMMAND, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokenError(f"the next build failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}


def kill_one(folder: Path, random: Random, longest_s: float) -> float:
    """Kill a build, alone or with all that it started, after some time; return that."""
    after_s = random.choice((random.uniform(0, longest_s), random.uniform(0, 0.2)))
    with subprocess.Popen(
        COMMAND, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(after_s)
        children = children_of(process.pid) if random.random() < 0.5 else []
        for pid in (process.pid, *children):
            kill(pid)
    return after_s


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def children_of(pid: int) -> list[int]:
    """Return a process's children, and theirs."""
    found: list[int] = []
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(task.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            child = int(task.parent.name)
            found += [child, *children_of(child)]
    return found


def kill_many(folder: Path, count: int, seed: int) -> list[float]:
    """Kill builds.

    Returns:
        When each was killed, in seconds.

    Raises:
        BrokenError: When an output is not one of the whole ones, or the next build fails or makes another.
    """
    random = Random(seed)  # noqa: S311 - moments, no secrets
    good: dict[str, Output] = {}
    longest_s = 0.0
    for variant in VARIANTS:
        write(folder, variant)
        longest_s = build(folder)
        good[variant] = published(folder)
    moments = []
    for _ in range(count):
        variant = random.choice(VARIANTS)
        write(folder, variant)
        moments.append(kill_one(folder, random, longest_s))
        if published(folder) not in good.values():
            raise BrokenError(f"killed after {moments[-1]:.3f} s: the output is not whole")
        build(folder)
        if published(folder) != good[variant]:
            raise BrokenError(f"killed after {moments[-1]:.3f} s: the next build made something else")
    return moments


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(f"seed {seed}\n")
        sys.stdout.flush()
        moments = kill_many(Path(folder), count, seed)
        sys.stdout.write(f"{len(moments)} builds killed after {min(moments):.3f} to {max(moments):.3f} s: all good\n")


if __name__ == "__main__":
    main()
