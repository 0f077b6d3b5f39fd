"""The virtualiser's end of the UIO driver's queues, in memory that the driver shares."""

from __future__ import annotations

import dataclasses
import enum
import struct
from typing import Final

BLOCK: Final = 4096
HEAD, TAIL, _, AWAKE = range(4)
"""Words of a queue, which its slots follow; the last two only of requests."""
REQUEST: Final = struct.Struct("<I4xQQH2xI")
RESPONSE: Final = struct.Struct("<IH2xI")
REQUEST_SLOTS: Final = 16
RESPONSE_SLOTS: Final = 8
U32: Final = 1 << 32


class Op(enum.IntEnum):
    """sddf_blk_request.code."""

    READ = 0
    WRITE = 1
    FLUSH = 2
    BARRIER = 3
    DISCARD = 0x100
    WRITE_ZEROES = 0x101
    WRITE_ZEROES_UNMAP = 0x111


class Status(enum.IntEnum):
    """sddf_blk_response.status."""

    OK = 0
    UNSPEC = 1
    INVALID = 2
    IO = 3
    NO_DEVICE = 4
    UNSUPPORTED = 0x100


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """struct sddf_blk_request."""

    code: int
    block: int = 0
    count: int = 0
    io: int = 0
    id: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """struct sddf_blk_response."""

    status: int
    count: int
    id: int


class Queues:
    """Requests are put, responses taken. `capacity` is that of the driver's table.

    Indices go by whole words: struct clears them first or goes byte by byte, and the driver would see that.
    """

    def __init__(self, requests: memoryview, responses: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self.tail = self.head = 0
        self._slots = requests, responses
        self._request_words, self._response_words = requests.cast("I"), responses.cast("I")

    @property
    def request_head(self) -> int:
        return self._request_words[HEAD]

    @property
    def awake(self) -> int:
        """Whether the driver looks at its requests before it sleeps."""
        return self._request_words[AWAKE]

    def set_awake(self, value: int) -> None:
        self._request_words[AWAKE] = value

    @property
    def response_tail(self) -> int:
        return self._response_words[TAIL]

    @property
    def answered(self) -> int:
        """Responses that wait to be taken."""
        return (self.response_tail - self.head) % U32

    def start_at(self, index: int) -> None:
        """As if that many requests had been served before."""
        self.tail = self.head = index
        for words in (self._request_words, self._response_words):
            words[HEAD] = words[TAIL] = index

    def put(self, *requests: Request) -> None:
        """Queues requests, all of them visible at once; the caller sees to it that there is room."""
        for request in requests:
            offset = REQUEST_SLOTS + self.tail % self.capacity * REQUEST.size
            fields = (request.code, request.io, request.block, request.count, request.id)
            REQUEST.pack_into(self._slots[0], offset, *fields)
            self.tail = (self.tail + 1) % U32
        self._request_words[TAIL] = self.tail

    def take(self, count: int) -> list[Response]:
        """Takes that many responses, which are there."""
        slots = (RESPONSE_SLOTS + (self.head + i) % U32 % self.capacity * RESPONSE.size for i in range(count))
        taken = [Response(*RESPONSE.unpack_from(self._slots[1], offset)) for offset in slots]
        self.free(count)
        return taken

    def free(self, count: int) -> None:
        self.head = (self.head + count) % U32
        self._response_words[HEAD] = self.head

    def release(self) -> None:
        """The memory can be closed again."""
        for view in (self._request_words, self._response_words, *self._slots):
            view.release()
