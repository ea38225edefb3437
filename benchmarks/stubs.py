"""Stub registers: they answer every question of a roadside check at once, with prepared words.

    python -m benchmarks.stubs

Prints its address. Eight registers in one process, over kept connections: about 0.03 ms of
processor for a question, so that what is measured is the server and not the far end. The
person, the licence, the vehicle, the insurance and the inspection are found; nobody is wanted,
and nothing is unpaid. ``sim.registers`` is the whole simulator, with people and misbehaviour.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import uvloop

_ADDRESS: Final = "registers: "
_LENGTH: Final = b"content-length:"
_RECORDS: Final = {
    "person_documents": (
        '"iin":"%s","surname":"СЕЙТҚАЛИ","given_name":"Дидар","patronymic":"Ерланұлы",'
        '"birth_date":"1990-05-05","document_number":"041234567","document_issued_on":"2020-05-05",'
        '"document_valid_until":"2030-05-04","residence":"Алматы, Абай даңғылы 10"'
    ),
    "driver_licence": (
        '"iin":"%s","licence_number":"AB123456","categories":["B","B1"],"issued_on":"2019-03-01",'
        '"valid_until":"2029-03-01","state":"in_force"'
    ),
    "vehicle": (
        '"plate":"%s","make_model":"Toyota Camry","year":2019,"color":"белый",'
        '"vin":"XW7BF4FK60S123456","registration_number":"KZ1234567","owner_name":"СЕЙТҚАЛИ Д."'
    ),
    "insurance": (
        '"plate":"%s","policy_number":"1234567890","insurer":"Сақтандыру АҚ",'
        '"valid_from":"2026-01-01","valid_until":"2030-12-31"'
    ),
    "inspection": (
        '"plate":"%s","certificate_number":"77-1234","passed_on":"2026-02-01",'
        '"valid_until":"2030-02-01"'
    ),
}  # fmt: skip


class _Registers(asyncio.Protocol):
    """One connection; a question is answered when its last byte is there."""

    def __init__(self) -> None:
        self._come = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream, by construction

    def data_received(self, data: bytes) -> None:
        self._come += data
        end = self._come.find(b"\r\n\r\n") + 4
        if end < len(b"\r\n\r\n"):
            return
        head = self._come[:end].lower()
        size = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._come) < end + size:
            return
        question, self._come = self._come[end : end + size], b""
        register = head[: head.index(b" http/")].rpartition(b"/")[2].decode()
        content = _answer(register, question)
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(content), content)
        )


def _answer(register: str, question: bytes) -> bytes:
    message_id = _value(question, b'"message_id":"')
    answered_at = datetime.now(UTC).isoformat()
    head = f'{{"message_id":"{message_id}","register":"{register}","answered_at":"{answered_at}",'
    record = _RECORDS.get(register)
    if record is None:
        return f'{head}"status":"not_found"}}'.encode()
    key = b'"plate":"' if '"plate"' in record else b'"iin":"'
    named = record % _value(question, key)
    return f'{head}"status":"found","record":{{{named}}}}}'.encode()


def _value(question: bytes, key: bytes) -> str:
    begin = question.rindex(key) + len(key)
    return question[begin : question.index(b'"', begin)].decode()


@contextlib.contextmanager
def running() -> Iterator[tuple[str, int]]:
    """Yield the address of the stubs, in a process of their own, and that process."""
    command = [sys.executable, "-m", "benchmarks.stubs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith(_ADDRESS):
                raise RuntimeError("the stub registers did not start")
            yield line.removeprefix(_ADDRESS).strip(), process.pid
        finally:
            process.terminate()


async def _serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = await asyncio.get_running_loop().create_server(_Registers, sock=listener)
    print(f"{_ADDRESS}http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
