import asyncio
from collections.abc import Iterable

import pytest
from starlette.requests import Request
from starlette.types import Message

from deploy.serving.body import read_body
from deploy.serving.problems import Refusal
from tests.deploy.serving.own_loop import in_own_loop


def read(
    messages: Iterable[Message], headers: dict[str, str] | None = None, timeout_s: float = 5.0
) -> bytes:
    """Read at most 10 bytes from messages; after them the sender says nothing more."""
    waiting = iter(messages)

    async def receive() -> Message:
        for message in waiting:
            return message
        await asyncio.sleep(60)
        raise AssertionError("the sender is never waited for that long")

    given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    request = Request({"type": "http", "method": "POST", "headers": given}, receive)
    return in_own_loop(read_body(request, 10, timeout_s))


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_put_together_from_its_parts() -> None:
    assert read([part(b"abc"), part(b""), part(b"defghij", more=False)]) == b"abcdefghij"
    assert read([part(b"", more=False)]) == b""


def test_a_body_that_is_too_large_is_refused_at_the_part_that_makes_it_so() -> None:
    with pytest.raises(Refusal, match=r"more than 10 bytes; .*--max-mb") as refused:
        read([part(b"abcdef"), part(b"ghijkl")])
    assert refused.value.status == 413


@pytest.mark.parametrize("length", ["11", "9" * 18, "9" * 5000])
def test_a_body_that_says_it_is_too_large_is_refused_unread(length: str) -> None:
    with pytest.raises(Refusal) as refused:
        read([], {"content-length": length})
    assert refused.value.status == 413


@pytest.mark.parametrize("length", ["10", "-1", "none", "", "²"])
def test_what_a_sender_says_of_the_length_is_not_trusted(length: str) -> None:
    assert read([part(b"abc", more=False)], {"content-length": length}) == b"abc"


def test_a_sender_that_stops_is_not_waited_for() -> None:
    with pytest.raises(Refusal, match=r"did not arrive within 0\.05 s") as refused:
        read([part(b"abc")], timeout_s=0.05)
    assert refused.value.status == 408


def test_a_sender_that_hangs_up_is_noted() -> None:
    with pytest.raises(Refusal, match="hung up") as refused:
        read([part(b"abc"), {"type": "http.disconnect"}])
    assert refused.value.status == 400
