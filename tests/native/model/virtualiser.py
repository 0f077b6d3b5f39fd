"""What happens to the virtualiser (block_virt_shim.c): clients, drivers and a clock; and what must be true then."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, NamedTuple

from .choices import one_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .choices import Choices

READ: Final = 0
WRITE: Final = 1
FLUSH: Final = 2
BARRIER: Final = 3
DISCARD: Final = 0x100
ZEROES: Final = 0x101
CHANGES: Final = (WRITE, DISCARD, ZEROES)
RANGES: Final = (READ, *CHANGES)
OK: Final = 0
ERR_IO: Final = 3
ERR_NO_DEVICE: Final = 4
ERR_LATE: Final = 0x101
# A request's deadline is exact to one part in so many (BLOCK_VIRT_ARRIVAL_MARKS).
MARKS: Final = 16
TIMEOUT_MS: Final = 64
MOST_ACTIONS: Final = 40
# Each has blocks of its client's data region for itself.
MOST_ASKED: Final = 30


class World(NamedTuple):
    """Who is there; `resilient` and `eager` have a bit for each client."""

    clients: int
    resilient: int
    eager: int
    timeout_ms: int
    capacity: int
    depth: int
    ready: bool


class Program(NamedTuple):
    """A world, and what happens in it: words of block_virt_shim.c."""

    world: World
    actions: tuple[str, ...]

    def line(self) -> str:
        return " ".join(("S", *(str(int(word)) for word in self.world), *self.actions, "F")) + "\n"


def _world(choices: Choices) -> World:
    clients = choices.number(1, 3)
    masks = (1 << clients) - 1
    return World(
        clients=clients,
        resilient=choices.number(0, masks),
        eager=choices.pick((masks, choices.number(0, masks))),
        timeout_ms=choices.pick((TIMEOUT_MS, TIMEOUT_MS, TIMEOUT_MS, 0)),
        capacity=choices.pick((4, 8, 16)),
        depth=choices.pick((0, 0, 1, 2, 3)),
        ready=not one_in(choices, 6),
    )


def _asks(choices: Choices, clients: int) -> str:
    code = choices.pick((WRITE, READ, WRITE, ZEROES, ZEROES, DISCARD, FLUSH, BARRIER))
    counts = {WRITE: (1, 2), READ: (1, 2), ZEROES: (1, 2, 40, 70), DISCARD: (1, 3, 40)}.get(code, (0,))
    block = choices.number(0, 3) if code in RANGES else 0
    return f"A {choices.number(0, clients - 1)} {code} {block} {choices.pick(counts)}"


def _action(choices: Choices, clients: int) -> str:
    number, pick = choices.number, choices.pick
    actions: tuple[Callable[[], str], ...] = (
        *(lambda: _asks(choices, clients),) * 7,
        *(lambda: "P",) * 5,
        *(lambda: f"T {number(1, 4)}",) * 4,
        *(lambda: f"D {number(0, 7)}",) * 4,
        *(lambda: f"W {pick((1, 5, 30, 40, 64, 100))}",) * 4,
        lambda: f"L {number(0, 7)}",
        lambda: f"E {number(0, 7)}",
        lambda: "K",
        lambda: f"N {number(0, 1)} {pick((0, 0, 1, 2))}",
        lambda: "R",
        lambda: f"H {number(0, clients - 1)}",
    )
    return pick(actions)()


def anything(choices: Choices) -> Program:
    """Whatever may happen."""
    world = _world(choices)
    actions = [_action(choices, world.clients) for _ in range(choices.number(1, MOST_ACTIONS))]
    asked = [at for at, action in enumerate(actions) if action[0] == "A"]
    return Program(world, tuple(action for at, action in enumerate(actions) if at not in asked[MOST_ASKED:]))


class Part(NamedTuple):
    """What a driver is asked: of a client's request, what begins at that block."""

    client: int
    id: int
    first: int


@dataclasses.dataclass
class Request:
    """What is known of a request; times are numbers of lines in what was told."""

    client: int
    id: int
    code: int
    block: int
    count: int
    asked_ms: int
    asked: int
    seen_ms: int | None = None
    answered: int | None = None  # for the first time
    statuses: list[int] = dataclasses.field(default_factory=list)
    done: set[int] = dataclasses.field(default_factory=set)  # blocks, by some driver
    was_done: bool = False
    failed: bool = False  # some driver said so


class ViolationError(AssertionError):
    """Something was told that must not be."""


class Judge:
    """Follows what is told, line by line."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.line = 0
        self.now_ms = 0
        self.requests: dict[tuple[int, int], Request] = {}
        self.sizes: dict[Part, int] = {}
        self.order: dict[Part, int] = {}  # in which they were put at first
        self.with_driver: dict[Part, None] = {}  # put to this driver, or an earlier one, and not answered
        self.again: dict[Part, None] = {}  # of these, what this one has not been asked yet
        self.news = False  # something new was put since the start
        self.replayed = -1
        self.changes: dict[tuple[int, int], list[Request]] = {}  # of a client's block, in order

    def judge(self, told: Iterable[str]) -> None:
        for line in told:
            word, *numbers = line.split()
            self.line += 1
            getattr(self, f"_{word}")(*(int(number) for number in numbers))

    def _require(self, condition: object, what: str, request: Request | Part | None = None) -> None:
        if not condition:
            raise ViolationError(f"line {self.line}: {what}: {request}")

    def _is_eager(self, client: int) -> bool:
        return self.world.eager >> client & 1 != 0

    def _is_resilient(self, client: int) -> bool:
        return self.world.resilient >> client & 1 != 0

    # ---- Clients ----

    def _ask(self, client: int, id_: int, code: int, block: int, count: int, now_ms: int) -> None:
        self.requests[client, id_] = Request(client, id_, code, block, count, now_ms, self.line)

    def _look(self, client: int) -> None:
        for request in self.requests.values():
            if request.client == client and request.seen_ms is None:
                request.seen_ms = self.now_ms

    def _hear(self, client: int, id_: int, status: int, blocks: int, now_ms: int) -> None:
        request = self.requests[client, id_]
        first = request.answered is None
        request.statuses.append(status)
        if first:
            request.answered = self.line
            self._require(self._is_known(status), "an answer that nobody gave", request)
            self._require(status != ERR_LATE or self._is_resilient(client), "late, to who does not know that", request)
            self._judge_time(request, status, now_ms)
            self._judge_answer(request, status, blocks)
        else:
            self._require(request.statuses == [ERR_LATE, ERR_IO], "answered again", request)

    def _is_known(self, status: int) -> bool:
        """What was asked before there was a disk was for none."""
        return status in (OK, ERR_IO, ERR_LATE) or (status == ERR_NO_DEVICE and not self.world.ready)

    def _judge_time(self, request: Request, status: int, now_ms: int) -> None:
        if status in (OK, ERR_NO_DEVICE) or request.failed:
            return
        waited_ms = now_ms - request.asked_ms
        self._require(self.world.timeout_ms, "no time was set", request)
        self._require(waited_ms >= self.world.timeout_ms - self.world.timeout_ms // MARKS, "failed too early", request)

    def _judge_answer(self, request: Request, status: int, blocks: int) -> None:
        if status != OK:
            return
        if request.code in RANGES:
            wanted = set(range(request.block, request.block + request.count))
            self._require(wanted <= request.done and blocks == request.count, "told as done, and was not", request)
        elif request.code == FLUSH:
            self._require(request.was_done, "told as done, and was not", request)
        else:
            earlier = (one for one in self.requests.values() if one.client == request.client and one.id < request.id)
            self._require(all(one.answered is not None for one in earlier), "a barrier was passed", request)

    # ---- Time ----

    def _time(self, now_ms: int) -> None:
        self.now_ms = now_ms
        for request in self.requests.values():
            seen_ms = request.seen_ms
            waits = request.answered is None and self._is_eager(request.client) and seen_ms is not None
            late = waits and self.world.timeout_ms and seen_ms is not None and now_ms - seen_ms >= self.world.timeout_ms
            self._require(not late, "waits for too long", request)

    def _step(self, now_ms: int) -> None:
        self.now_ms = now_ms

    # ---- Drivers ----

    def _start(self) -> None:
        self.again = dict(self.with_driver)
        self.news = False
        self.replayed = -1

    def _put(self, client: int, id_: int, first: int, code: int, block: int, count: int) -> None:
        part = Part(client, id_, first)
        request = self.requests[client, id_]
        self._require(request.code == code, "another code", request)
        self._require(code not in RANGES or block == request.block + first, "another place", request)
        self._require(first + count <= request.count, "more than was asked for", request)
        self._require(request.answered is None, "put after it was answered", request)
        if part in self.order:
            self._require(part in self.again and count == self.sizes[part], "put twice to one driver", part)
            self._require(not self.news, "replayed after something new", part)
            self._require(self.order[part] > self.replayed, "replayed in another order", part)
            self.replayed = self.order[part]
            del self.again[part]
        else:
            self.order[part] = len(self.order)
            self.news = True
        self.sizes[part] = count
        self.with_driver[part] = None

    def _take(self, client: int, id_: int, first: int) -> None:
        self._require(Part(client, id_, first) in self.with_driver, "taken, and was not put", Part(client, id_, first))

    def _did(self, client: int, id_: int, first: int, count: int) -> None:
        request = self.requests[client, id_]
        request.was_done = True
        for block in range(request.block + first, request.block + first + count):
            request.done.add(block)
            if request.code in CHANGES:
                self._judge_change(request, self.changes.setdefault((client, block), []))

    def _judge_change(self, request: Request, earlier: list[Request]) -> None:
        for other in earlier:
            newer = other is not request and request.answered is not None and other.asked > request.answered
            self._require(not newer, "a late change overwrote a newer one", request)
        earlier.append(request)

    def _answer(self, client: int, id_: int, first: int, status: int) -> None:
        part = Part(client, id_, first)
        self.requests[client, id_].failed |= status != OK
        self.with_driver.pop(part, None)
        self.again.pop(part, None)

    # ---- The end ----

    def _end(self, in_flight: int, strays: int) -> None:
        for request in self.requests.values():
            late = request.statuses[:1] == [ERR_LATE]
            self._require(len(request.statuses) == 1 + late, "not answered", request)
        self._require((in_flight, strays) == (0, 0), "something is left")
