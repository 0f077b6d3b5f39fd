"""The virtualiser's end of the driver's queues, in memory that a running guest shares."""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import mmap

READ: Final = 0
WRITE: Final = 1
FLUSH: Final = 2
BARRIER: Final = 3
OK: Final = 0
ERR_INVALID_PARAM: Final = 2
BLOCK: Final = 4096
HEAD: Final = 0
TAIL: Final = 4
REQUEST: Final = struct.Struct("<I4xQQH2xI")
RESPONSE: Final = struct.Struct("<IH2xI")
REQUEST_SLOTS: Final = 16
RESPONSE_SLOTS: Final = 8
INDEX_MASK: Final = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """struct sddf_blk_request."""

    code: int
    io: int
    block: int
    count: int
    ident: int


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """struct sddf_blk_response."""

    status: int
    count: int
    ident: int


class Word:
    """A shared 32-bit word: each access is one load or store."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._view = memoryview(memory)[offset : offset + 4].cast("I")

    def get(self) -> int:
        return self._view[0]

    def set(self, value: int) -> None:
        self._view[0] = value & INDEX_MASK

    def release(self) -> None:
        """The memory can be closed again."""
        self._view.release()


class Queues:
    """Requests are put, responses taken."""

    def __init__(self, memory: mmap.mmap, requests: int, responses: int, capacity: int) -> None:
        self._memory = memory
        self._requests = requests
        self._responses = responses
        self._capacity = capacity
        self._request_tail = Word(memory, requests + TAIL)
        self._response_head = Word(memory, responses + HEAD)
        self._response_tail = Word(memory, responses + TAIL)

    def put(self, request: Request) -> None:
        """Publishes one request; the caller sees to it that there is room."""
        tail = self._request_tail.get()
        offset = self._requests + REQUEST_SLOTS + tail % self._capacity * REQUEST.size
        REQUEST.pack_into(self._memory, offset, *dataclasses.astuple(request))
        self._request_tail.set(tail + 1)

    def take(self) -> list[Response]:
        """All responses that are there."""
        head, tail = self._response_head.get(), self._response_tail.get()
        found = []
        while head != tail:
            offset = self._responses + RESPONSE_SLOTS + head % self._capacity * RESPONSE.size
            found.append(Response(*RESPONSE.unpack_from(self._memory, offset)))
            head = (head + 1) & INDEX_MASK
        self._response_head.set(head)
        return found

    def release(self) -> None:
        for word in (self._request_tail, self._response_head, self._response_tail):
            word.release()
