"""The serial frame layer: literal bytes, random cuts, garbage, one flipped bit."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fines.wire import zvt, zvt_frame
from fines.wire.zvt_errors import LengthMismatch
from fines.wire.zvt_fields import AMOUNT, CURRENCY, Fields, bcd, pack_fields
from fines.wire.zvt_frame import Ack, Block, BlockReader, Damaged, Fault, Nak, decode, encode

EXAMPLES = 3000

apdus = st.builds(
    lambda command, data: zvt.pack(zvt.Apdu(command, data)),
    st.integers(0, 0xFFFF),
    st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from([0x10, 0x02, 0x03, 0x06, 0x15, 0xFF]), max_size=40).map(bytes),
        st.binary(min_size=250, max_size=320),
    ),
)


def chunks(data, cuts):
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_the_checksum_is_crc16_kermit():
    assert zvt_frame.crc16(b"123456789") == 0x2189


def test_an_independent_block_is_written_alike():
    apdu = bytes.fromhex("060F0BF0F0F7322E31342E313500")

    block = encode(apdu)

    assert block == b"\x10\x02" + apdu + b"\x10\x03" + bytes.fromhex("B111")


@pytest.mark.parametrize(
    ("amount_tiyn", "checksum"),
    [
        (6677, "1002"),
        (14728, "1003"),
        (36912, "1010"),
        (194456, "0310"),
        (1010101010, "A15F"),
    ],
    ids=["like a start", "like an end", "like a doubled DLE", "ends in DLE", "DLE in the amount"],
)
def test_a_trap_block_is_read_whole(amount_tiyn, checksum):
    body = pack_fields(Fields({AMOUNT: bcd(str(amount_tiyn), 6), CURRENCY: bcd("398", 2)}))
    apdu = zvt.pack(zvt.Apdu(zvt.Command.AUTHORISATION, body))
    block = encode(apdu)

    used, event = decode(block + b"\x06")

    assert block[-2:] == bytes.fromhex(checksum)
    assert (used, event) == (len(block), Block(apdu))


@pytest.mark.parametrize("value", range(256))
def test_every_byte_value_survives(value):
    apdu = zvt.pack(zvt.Apdu(0x06D1, bytes([value, value, 0x10, value])))

    assert decode(encode(apdu)) == (len(encode(apdu)), Block(apdu))


@settings(max_examples=EXAMPLES)
@given(st.lists(apdus, min_size=1, max_size=4), st.lists(st.integers(0, 5000), max_size=30))
def test_blocks_come_out_as_they_went_in_however_they_are_cut(messages, cuts):
    stream = b"".join(zvt_frame.ACK + encode(apdu) for apdu in messages) + zvt_frame.NAK
    reader = BlockReader()

    events = [event for chunk in chunks(stream, cuts) for event in reader.feed(chunk)]

    expected = [event for apdu in messages for event in (Ack(), Block(apdu))]
    assert events == [*expected, Nak()]
    assert reader.quiet() is None


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=10))
def test_garbage_is_never_a_message(garbage, cuts):
    reader = BlockReader()

    events = [event for chunk in chunks(garbage, cuts) for event in reader.feed(chunk)]

    assert not any(isinstance(event, Block) for event in events)


@settings(max_examples=EXAMPLES)
@given(apdus, st.integers(0, 10**6), st.lists(st.integers(0, 700), max_size=6))
def test_one_flipped_bit_never_makes_another_message(apdu, place, cuts):
    bent = bytearray(encode(apdu))
    bent[place // 8 % len(bent)] ^= 1 << place % 8
    reader = BlockReader()

    events = [event for chunk in chunks(bytes(bent), cuts) for event in reader.feed(chunk)]

    assert [event for event in events if isinstance(event, Block) and event.apdu != apdu] == []


@settings(max_examples=500)
@given(apdus, st.integers(0, 10**6))
def test_after_damage_and_quiet_the_repeated_block_is_read(apdu, place):
    bent = bytearray(encode(apdu))
    bent[place // 8 % len(bent)] ^= 1 << place % 8
    reader = BlockReader()
    reader.feed(bytes(bent))
    reader.quiet()

    assert reader.feed(encode(apdu)) == [Block(apdu)]


def test_after_damage_nothing_is_heard_until_the_line_is_quiet():
    block = encode(zvt.pack(zvt.good()))
    reader = BlockReader()

    assert reader.feed(b"\x11\x02" + block[2:] + zvt_frame.ACK) == []
    assert reader.feed(zvt_frame.ACK + block) == []
    assert reader.quiet() == Damaged(Fault.NOISE)
    assert reader.feed(block) == [Block(b"\x80\x00\x00")]


def test_a_block_cut_short_is_told_when_the_line_is_quiet():
    reader = BlockReader()
    reader.feed(encode(zvt.pack(zvt.good()))[:-1])

    assert reader.in_block
    assert reader.quiet() == Damaged(Fault.CUT)
    assert not reader.in_block


def test_a_block_whose_own_length_disagrees_is_damaged():
    apdu = b"\x06\x01\x05\x00"
    block = b"\x10\x02" + apdu + b"\x10\x03" + zvt_frame.crc16(apdu + b"\x03").to_bytes(2, "little")

    assert decode(block) == (len(block), Damaged(Fault.LENGTH))


def test_a_block_without_end_is_given_up():
    endless = b"\x10\x02" + b"\x00" * (2 * zvt_frame.APDU_BYTES_MAX + 1)

    assert decode(endless) == (len(endless), Damaged(Fault.TOO_LONG))


@pytest.mark.parametrize("apdu", [b"", b"\x06\x01", b"\x06\x01\x01", b"\x06\x01\xff\x01"])
def test_an_apdu_with_a_false_length_is_not_sent(apdu):
    with pytest.raises(LengthMismatch):
        encode(apdu)


@settings(max_examples=300)
@given(st.integers(0, 0xFFFF), st.binary(max_size=400))
def test_an_apdu_is_parsed_as_it_was_packed(command, data):
    message = zvt.Apdu(command, data)

    assert zvt.parse(zvt.pack(message)) == message


def test_a_long_apdu_has_its_length_in_two_bytes_little_endian():
    assert zvt.pack(zvt.Apdu(0x06D3, bytes(0x123)))[:5] == bytes.fromhex("06D3FF2301")
