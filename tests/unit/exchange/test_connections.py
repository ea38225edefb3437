"""The kept connections to a register, by the bytes on the line."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.exchange.register.connections import Broken, Connections, NotConnected

pytestmark = pytest.mark.sockets

BYTES_MAX = 64
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class FarEnd:
    """Says prepared answers, one for each question, and remembers what it was asked."""

    def __init__(self, answers, *, close):
        self.answers, self.close = list(answers), close
        self.asked, self.connections = [], 0

    async def meet(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.asked.append(head + await reader.readexactly(length))
                if not self.answers:
                    await asyncio.sleep(60)
                for piece in self.answers.pop(0):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                if self.close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def line(*answers, close=False, prefix="", connections_max=4):
    """Yield connections to a far end that gives these answers, each in pieces."""
    far = FarEnd([one if isinstance(one, list) else [one] for one in answers], close=close)
    async with await asyncio.start_server(far.meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        near = Connections(
            address=f"http://127.0.0.1:{port}{prefix}",
            connections_max=connections_max,
            connect_seconds=5,
            tls=None,
        )
        yield near, far
        await near.aclose()
        server.close()


async def ask(near, content=b"{}"):
    async with asyncio.timeout(20):
        return await near.post(
            "/v1/x", content, headers={"Content-Type": "application/json"}, bytes_max=BYTES_MAX
        )


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


WHOLE = [
    GOOD,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + GOOD,
    b"HTTP/1.1 200 OK\r\ncontent-length:2\r\nConnection: close\r\n\r\nok",
]


@pytest.mark.parametrize("answer", WHOLE)
async def test_an_answer_is_read_wherever_the_line_cuts_it(answer):
    pieces = [answer[:7], answer[7:30], answer[30:-1], answer[-1:]]

    async with line(answer, pieces) as (near, _):
        assert [await ask(near), await ask(near)] == [b"ok", b"ok"]


async def test_the_end_of_the_line_ends_an_answer_without_a_length():
    async with line(b"HTTP/1.1 200 OK\r\n\r\nok", close=True) as (near, _):
        assert await ask(near) == b"ok"


BROKEN = {
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    "cut in its head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
    "nothing": b"",
    "no protocol": b"\x16\x03\x01 not this protocol\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_half_an_answer_is_none(answer):
    async with line(answer, close=True) as (near, _):
        with pytest.raises(Broken, match=r"^transport"):
            await ask(near)


@pytest.mark.parametrize("status", [101, 204, 302, 404, 503])
async def test_only_the_status_200_answers_and_nobody_is_sent_elsewhere(status):
    said = f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"

    async with line(said.encode()) as (near, far):
        with pytest.raises(Broken, match=f"http_{status}"):
            await ask(near)

    assert len(far.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + b"x" * 65,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 18),
    ],
)
async def test_an_answer_over_the_limit_is_none(answer):
    async with line(answer, close=True) as (near, _):
        with pytest.raises(Broken, match=r"too_large|Protocol"):
            await ask(near)


async def test_the_question_is_one_that_any_server_reads():
    async with line(GOOD, prefix="/bus") as (near, far):
        await ask(near, b'{"a":1}')

    head, _, body = far.asked[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /bus/v1/x HTTP/1.1"
    assert b"Accept-Encoding: identity" in lines
    assert b"Content-Length: 7" in lines
    assert body == b'{"a":1}'


async def test_a_connection_is_kept_and_asked_on_again():
    async with line(GOOD, GOOD, GOOD) as (near, far):
        for _ in range(3):
            await ask(near)

    assert far.connections == 1


async def test_a_connection_that_the_far_end_closed_is_not_asked_on():
    async with line(GOOD, GOOD, close=True) as (near, far):
        first = await ask(near)
        await until(lambda: not any(one.is_free for one in near._idle))
        second = await ask(near)

    assert (first, second, far.connections) == (b"ok", b"ok", 2)


async def test_words_that_nobody_asked_for_are_no_answer_to_the_next_question():
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"
    async with line(GOOD + forged, GOOD) as (near, _):
        first = await ask(near)
        second = await ask(near)

    assert (first, second) == (b"ok", b"ok")


async def test_who_gives_up_takes_his_connection_with_him():
    async with line() as (near, far):
        asking = asyncio.create_task(ask(near))
        await until(lambda: far.asked)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        far.answers = [[GOOD]]
        answer = await ask(near)

    assert (answer, far.connections) == (b"ok", 2)


async def test_no_more_are_asked_at_once_than_allowed_and_nobody_is_forgotten():
    answers = [[GOOD[:20], GOOD[20:]] for _ in range(40)]
    async with line(*answers, connections_max=3) as (near, far):
        asking = [asyncio.create_task(ask(near)) for _ in range(40)]
        await asyncio.sleep(0.02)
        given_up = asking[::5]
        for one in given_up:
            one.cancel()
        got = await asyncio.gather(*asking, return_exceptions=True)
        after = len(far.answers)
        far.answers = far.answers or [[GOOD]]
        last = await ask(near)

    assert [one for one in got if one != b"ok"] == [
        one for one in got if isinstance(one, asyncio.CancelledError)
    ]
    assert got.count(b"ok") >= 32 - after
    assert last == b"ok"


async def test_nobody_at_the_address_was_asked_nothing():
    near = Connections(address="http://127.0.0.1:9", connections_max=1, connect_seconds=5, tls=None)

    for _ in range(3):  # and the turn is given back each time
        with pytest.raises(NotConnected, match="ConnectError"):
            await ask(near)
