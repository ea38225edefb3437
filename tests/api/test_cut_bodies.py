"""A line that is cut in the middle of a body is no fault of the server's."""

import structlog

from bodycam.wire import protocol
from tests import factories_bodycam as bodycam


async def test_a_body_that_ends_early_is_no_fault(app, sessions, tmp_path):
    yard = await bodycam.yard(sessions, tmp_path)
    body = bodycam.announcement(yard.record()).model_dump_json().encode()
    told = iter(
        [
            {"type": "http.request", "body": body[:100], "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    answers = []

    async def receive():
        return next(told)

    async def send(message):
        answers.append(message)

    headers = {"host": "testserver", "content-length": str(len(body)), **yard.dock}
    with structlog.testing.capture_logs() as lines:
        await app(
            {
                "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": "1.1", "method": "POST", "scheme": "http", "root_path": "",
                "path": protocol.PATH_ANNOUNCE, "raw_path": protocol.PATH_ANNOUNCE.encode(),
                "query_string": b"", "client": ("127.0.0.1", 1), "server": ("testserver", 80),
                "headers": [(one.lower().encode(), two.encode()) for one, two in headers.items()],
            },
            receive,
            send,
        )  # fmt: skip

    assert [one["status"] for one in answers if "status" in one] in ([], [400])
    assert [one for one in lines if one["event"] == "fault"] == []
    (row,) = [one for one in lines if one["event"] == "answered"]
    assert row["status"] == 400
