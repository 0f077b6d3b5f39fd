"""What is measured in one boot, and its figures."""

from __future__ import annotations

from typing import Final, NamedTuple

KIB: Final = 1 << 10
MIB: Final = 1 << 20
SIZES: Final = (4 * KIB, 64 * KIB, MIB)
DIRECTIONS: Final = ("write", "read")
DEPTHS: Final = (1, 16, 32)
DEPTHS_OF_TWO: Final = (1, 32)


class Cell(NamedTuple):
    """A load.

    Attributes:
        block_bytes: Size of a request.
        direction: `write` or `read`.
        depth: Requests under way at once.
        clients: How many clients do it at once.
    """

    block_bytes: int
    direction: str
    depth: int
    clients: int = 1

    def command(self, pace: Pace) -> str:
        """Return what an agent is told."""
        return f"{pace.tool} {self.direction} {self.block_bytes} {self.depth} {pace.warm_up_ms} {pace.measured_ms}"


class Pace(NamedTuple):
    """How long things take; the guest's clock counts a load, the host's all else.

    Attributes:
        warm_up_ms: What of a load does not count; more than agents begin one after the other.
        measured_ms: What counts.
        load_seconds: The longest that a load may take.
        boot_seconds: The longest until an agent answers.
        idle_seconds: What is looked at while nobody has anything to do; 0: idleness is not measured.
        tool: What makes the loads: `load`, the agent itself, or `fio`.
    """

    warm_up_ms: int
    measured_ms: int
    load_seconds: int
    boot_seconds: int
    idle_seconds: int
    tool: str = "load"


FULL: Final = Pace(200, 600, 60, 400, 10)
QUICK: Final = Pace(100, 300, 60, 400, 5)
FIO: Final = Pace(1000, 3000, 120, 400, 10, "fio")
COUNTED: Final = Pace(60, 100, 240, 600, 0)
"""Where QEMU counts instructions and takes each for a nanosecond."""


class Load(NamedTuple):
    """The figures of a cell.

    Attributes:
        bytes_per_second: What the clients moved together.
        host_cores: Processors of the host that QEMU kept busy meanwhile.
    """

    bytes_per_second: float
    host_cores: float


class Boot(NamedTuple):
    """The figures of one boot.

    Attributes:
        boot_seconds: Until all agents answered; None when one did not.
        loads: By cell; what went wrong is missing.
        idle_cores: Processors of the host that QEMU takes while all guests are idle; None when that was not measured.
        trouble: What went wrong.
    """

    boot_seconds: float | None
    loads: dict[Cell, Load]
    idle_cores: float | None
    trouble: tuple[str, ...]


def cells(clients: int) -> tuple[Cell, ...]:
    """Return the cells of a row: first those of several clients, since the others then rest for good.

    Args:
        clients: How many there are.
    """
    together = DEPTHS_OF_TWO if clients > 1 else ()
    return tuple(
        Cell(size, direction, depth, count)
        for count, depths in ((clients, together), (1, DEPTHS))
        for size in SIZES
        for direction in DIRECTIONS
        for depth in depths
    )


def rate(answer: tuple[str, ...], block_bytes: int) -> float:
    """Return the bytes per second that an agent tells of.

    Args:
        answer: Requests and nanoseconds.
        block_bytes: Size of a request.
    """
    requests, nanoseconds = (int(word) for word in answer)
    return requests * block_bytes / nanoseconds * 1e9
