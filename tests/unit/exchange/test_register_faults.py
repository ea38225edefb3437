"""Every register, every fault of a line: nothing is found and nothing is confirmed.

8 registers of the road, 2 more services, 4 registers of cases; 6 faults; real sockets.
"""

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.exchange.register import channel, open_case_registers, open_registers
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.requests import MISSING, PartStatus
from app.exchange.wire.cases import CaseRegister
from app.exchange.wire.registers import RegisterName
from app.settings import Settings
from sim.cases import CaseBehaviour
from sim.faults import Fault
from tests.factories_registers import NAMES, case_question, far_end, request_to

pytestmark = pytest.mark.sockets

LIMIT_SECONDS = 0.1
FAULTS = [one for one in Fault if one is not Fault.NONE]
CASE_NAMES = {one.value for one in CaseRegister}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with far_end(tmp_path_factory.mktemp("far-end")) as running:
        yield running


@pytest.fixture
def far(running):
    yield running
    running.break_lines(None, Fault.NONE)
    running.cases.behave(None, CaseBehaviour.NORMAL)


@asynccontextmanager
async def everybody(settings):
    """Yield a function that asks a register by its name, whatever it is a register of."""
    async with open_registers(settings) as registers, open_case_registers(settings) as cases:

        async def ask(name):
            if name in CASE_NAMES:
                return await cases.confirm(case_question(CaseRegister(name)))
            register = RegisterName(name)
            return await registers.ask(register=register, request=request_to(register))

        yield ask


def tells_nothing(reply):
    if hasattr(reply, "verdict"):
        return reply.verdict is CaseVerdict.UNAVAILABLE and reply.articles == ()
    return reply.status in MISSING and reply.record is None


def quick(far, protocol, **changed):
    return far.settings(protocol, register_timeout_seconds=LIMIT_SECONDS, **changed)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
async def test_a_broken_line_fails_closed(far, name, fault):
    far.break_lines(name, fault)
    began = time.monotonic()

    async with everybody(quick(far, "http")) as ask:
        reply = await ask(name)

    assert tells_nothing(reply)
    assert reply.fault
    assert time.monotonic() - began < 20  # the far end would take 30, or for ever


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_line_to_the_bus_fails_closed_for_every_register(far, fault):
    far.break_lines(None, fault)

    async with everybody(quick(far, "smartbridge")) as ask:
        replies = await asyncio.gather(*(ask(name) for name in NAMES))

    assert [
        name for name, reply in zip(NAMES, replies, strict=True) if not tells_nothing(reply)
    ] == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_line_that_is_whole_again_answers(far, name):
    far.break_lines(name, Fault.RESET)
    async with everybody(far.settings("http")) as ask:
        broken = await ask(name)
        far.break_lines(name, Fault.NONE)
        whole = await ask(name)

    assert tells_nothing(broken)
    assert whole.fault == ""


@pytest.mark.parametrize(
    "behaviour", [CaseBehaviour.DOWN, CaseBehaviour.GARBAGE, CaseBehaviour.ENDLESS]
)
@pytest.mark.parametrize("register", CaseRegister)
async def test_what_is_no_answer_confirms_nothing(far, register, behaviour):
    far.cases.behave(register, behaviour)

    async with everybody(far.settings("http")) as ask:
        reply = await ask(register.value)

    assert tells_nothing(reply)


async def test_nobody_at_the_address_confirms_nothing(far):
    settings = far.settings("http", case_registers_url="http://127.0.0.1:9")

    async with everybody(settings) as ask:
        reply = await ask("erdr")

    assert (reply.verdict, reply.fault) == (CaseVerdict.UNAVAILABLE, "transport.ConnectError")


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.TRUNCATED, Fault.GARBAGE])
async def test_a_question_that_was_sent_is_never_repeated(far, fault):
    far.break_lines("erdr", fault)
    line = far.lines["cases"]
    before = line.taken

    async with everybody(far.settings("http", register_repeats_max=5)) as ask:
        await ask("erdr")

    assert line.taken == before + 1


async def test_repetitions_stay_within_the_whole_limit(monkeypatch):
    always_longest = SimpleNamespace(uniform=lambda _low, high: high)
    monkeypatch.setattr(channel, "_random", always_longest)
    settings = Settings(
        case_registers_url="http://127.0.0.1:9",
        register_timeout_seconds=0.05,
        register_repeats_max=5,
    )

    async with everybody(settings) as ask:
        reply = await ask("erdr")

    # Had it been asked to the last repetition, the word would be that nobody is there.
    assert (reply.verdict, reply.fault) == (CaseVerdict.UNAVAILABLE, "timed_out")


async def test_a_register_that_fails_is_left_alone_and_asked_again_after_the_pause(
    far, monkeypatch
):
    at = [0.0]
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=lambda: at[0]))
    settings = far.settings(
        "http", register_timeout_seconds=30, register_failures_max=2, register_pause_seconds=10
    )
    far.break_lines("erdr", Fault.RESET)
    line = far.lines["cases"]
    before = line.taken

    async with everybody(settings) as ask:
        faults = [(await ask("erdr")).fault for _ in range(4)]
        others = await ask("ais_su")
        left_alone = line.taken
        far.break_lines("erdr", Fault.NONE)
        at[0] += 10
        after = await asyncio.gather(*(ask("erdr") for _ in range(4)))
        closed = await ask("erdr")

    assert faults[2:] == ["breaker_open", "breaker_open"]
    assert left_alone == before + 3  # two that failed, and the other register's
    assert others.verdict is CaseVerdict.CONFIRMED
    assert sorted(one.fault for one in after) == [
        "",
        "breaker_open",
        "breaker_open",
        "breaker_open",
    ]
    assert closed.verdict is CaseVerdict.CONFIRMED


async def test_a_probe_that_is_given_up_does_not_hold_the_register_for_ever(far):
    settings = far.settings("http", register_failures_max=1, register_pause_seconds=0.05)
    far.break_lines("erdr", Fault.RESET)
    async with everybody(settings) as ask:
        await ask("erdr")
        far.break_lines("erdr", Fault.HALF_OPEN)
        await asyncio.sleep(0.06)
        probe = asyncio.create_task(ask("erdr"))
        await asyncio.sleep(0.05)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        far.break_lines("erdr", Fault.NONE)
        await asyncio.sleep(0.06)
        reply = await ask("erdr")

    assert reply.verdict is CaseVerdict.CONFIRMED


async def test_callers_who_give_up_do_not_close_the_way_for_others(far):
    async with everybody(far.settings("http", register_failures_max=2)) as ask:
        far.break_lines("erdr", Fault.HALF_OPEN)
        for _ in range(5):
            asking = asyncio.create_task(ask("erdr"))
            await asyncio.sleep(0.02)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        far.break_lines("erdr", Fault.NONE)
        reply = await ask("erdr")

    assert reply.verdict is CaseVerdict.CONFIRMED


async def test_one_slow_register_takes_no_time_of_another(far):
    far.break_lines("erdr", Fault.HALF_OPEN)
    async with everybody(far.settings("http", register_timeout_seconds=30)) as ask:
        slow = [asyncio.create_task(ask("erdr")) for _ in range(30)]
        await asyncio.sleep(0)
        quick_ones = await asyncio.gather(*(ask("ais_oip") for _ in range(10)))
        still_waiting = [one.done() for one in slow]
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    assert {one.verdict for one in quick_ones} == {CaseVerdict.CONFIRMED}
    assert not any(still_waiting)


@asynccontextmanager
async def over_tls(folder):
    """Yield the address of a far end over TLS that is out of service, and its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    pem, both = folder / "roots.pem", folder / "server.pem"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(private + pem.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)

    async def out_of_service(_near, out):
        out.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await out.drain()
        out.close()

    async with await asyncio.start_server(out_of_service, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", pem


async def test_over_tls_only_the_configured_authorities_are_believed(tmp_path):
    async with over_tls(tmp_path) as (url, roots):
        settings = Settings(case_registers_url=url, register_timeout_seconds=30)
        async with everybody(settings) as ask:
            stranger = await ask("erdr")
        async with everybody(settings.model_copy(update={"register_tls_roots": roots})) as ask:
            known = await ask("erdr")

    assert (stranger.fault, known.fault) == ("transport.ConnectError", "http_503")


def test_the_fourteen_registers_are_all_there():
    assert len(NAMES) == 14
    assert len(set(NAMES)) == 14
    assert {one.value for one in PartStatus} >= {"timed_out", "unavailable"}
