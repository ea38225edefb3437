"""BMP fields, TLV objects and messages: literal bytes, limits, and no card data through."""

from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fines.wire import zvt, zvt_status
from fines.wire.zvt_errors import (
    BcdNotDigits,
    CardDataRefused,
    FieldTruncated,
    FieldUnknown,
    TooManyFields,
    ZvtMalformed,
)
from fines.wire.zvt_fields import (
    AMOUNT,
    PAN,
    RESULT,
    Fields,
    Tlv,
    bcd,
    digits,
    masked,
    pack_fields,
    pack_masked,
    pack_tlv,
    parse_fields,
    parse_tlv,
)
from fines.wire.zvt_status import StatusInformation, parse_status, status_information

IIN = "950817301011"
REFERENCE = bytes(range(16))
FULL = StatusInformation(
    result=0,
    amount_tiyn=1_081_250,
    currency="398",
    terminal_number="00001042",
    merchant_number="398000000000104",
    receipt_number=42,
    trace_number=123456,
    time="235959",
    date="1122",
    approval_code="A00001",
    rrn="600000000001",
    card_type=10,
    card_name="VISA",
    card_masked="400000******1042",
    owner="M",
    cardholder_check=2,
    technology=1,
    aid="A0000000031010",
    application_label="VISA DEBIT",
    tvr="0080008000",
    tsi="E800",
    cryptogram="9C2F5A0B7D1E4366",
    terminal_serial="SIM-00001042",
    batch_number=7,
    par="S001ABCDEFGHIJKLMNOPQRSTUVWXY",
    reference=REFERENCE,
    sequence=7,
)


def test_a_sale_asks_for_tenge_and_names_the_payer_to_the_issuer_only():
    message = zvt.authorisation(
        amount_tiyn=1_081_250,
        payer_iin=IIN,
        reference=REFERENCE,
        max_status_infos=8,
        card_timeout_seconds=60,
        sequence=3,
    )

    assert zvt.pack(message).hex() == (
        "0601" + "35" + "04000001081250" + "490398" + "013c" + "0208" + "0625" + "1f1f00"
        "df5006" + IIN + "df5310" + REFERENCE.hex() + "1f7303000003"
    )
    assert IIN not in repr(message)
    assert IIN not in str(message)


def test_registration_bars_amounts_and_voids_keyed_on_the_terminal():
    message = zvt.registration(password="000000", config=zvt.Config.OURS, line_width=32)

    assert zvt.pack(message).hex() == (
        "0600" + "2a" + "000000" + "be" + "0398" + "0622"
        "120132" + "1401fe" + "1a020fa0" + "260c" + "0a0206d1" + "0a0206d3" + "0a0206e4"
        "1f040101" + "1f7303000000"
    )


def test_the_last_known_receipt_travels_with_a_sale_and_is_never_nought():
    def tag(known):
        message = zvt.authorisation(
            amount_tiyn=1,
            payer_iin=IIN,
            reference=REFERENCE,
            max_status_infos=8,
            known_receipt=known,
        )
        return zvt.body_of(message).tlv(zvt.TAG_KNOWN_RECEIPT)

    assert [tag(known) for known in (None, 0, 1, 9999)] == [b"", b"", b"\x00\x01", b"\x99\x99"]


def test_the_day_is_closed_told_and_taken_back_by_password_and_receipt():
    assert zvt.pack(zvt.end_of_day(password="000000")).hex() == "065003000000"
    assert zvt.pack(zvt.turnover(password="000000")).hex() == "061003000000"
    assert zvt.pack(zvt.reversal(password="000000", receipt_number=42)).hex() == (
        "063006000000870042"
    )


def test_the_last_result_is_asked_without_printing():
    assert zvt.pack(zvt.repeat_receipt(password="000000")).hex() == "0620050000000303"


def test_a_status_information_comes_back_as_it_went():
    assert parse_status(status_information(FULL)) == FULL


@pytest.mark.parametrize(
    ("result", "host_result", "approved"),
    [(0x00, None, True), (0x00, 0x00, True), (0x00, 0xA1, False), (0x00, 0x91, False)]
    + [(code, None, False) for code in range(1, 256)],
)
def test_only_a_zero_result_without_a_host_error_is_an_approval(result, host_result, approved):
    status = StatusInformation(result=result, host_result=host_result)

    assert parse_status(status_information(status)).approved is approved


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("4000000000001042", "400000******1042"),
        ("400000eeeeee1042", "400000******1042"),
        ("5105100000002041234f", "510510*********1234"),
    ],
)
def test_a_card_number_is_masked_while_it_is_read(number, shown):
    packed = bytes.fromhex(number)
    length = bytes([0xF0 | len(packed) // 10, 0xF0 | len(packed) % 10])
    body = bytes([RESULT, 0, PAN]) + length + packed

    assert parse_fields(body).bmps[PAN] == shown.encode()


@pytest.mark.parametrize("number", ["4000000000001042", "4000001*****1042", "1234", ""])
def test_a_card_number_is_not_sent_unless_masked(number):
    with pytest.raises(CardDataRefused):
        pack_masked(number)


def test_tracks_and_card_objects_are_never_decoded():
    secret = b"4000000000001042=29092011234567890"
    llvar = bytes([0xF0 | len(secret) // 10, 0xF0 | len(secret) % 10]) + secret
    objects = [Tlv(tag, secret) for tag in (0x1F08, 0x1F09, 0x1F0A, 0x57, 0x5A, 0x5F20, 0x46)]
    container = pack_tlv([*objects, Tlv(0x60, children=(Tlv(0x57, secret), Tlv(0x43, b"\xa0")))])
    tlv = b"\x06\x82" + len(container).to_bytes(2, "big") + container
    body = bytes([RESULT, 0]) + b"\x23" + llvar + b"\x2d" + llvar + b"\x24\xf0" + llvar + tlv

    fields = parse_fields(body)
    status = parse_status(zvt.Apdu(zvt.Command.STATUS_INFORMATION, body))

    assert secret not in repr(asdict(fields)).encode()
    assert secret.decode() not in repr(asdict(status))
    assert fields.tlvs == (Tlv(0x60, children=(Tlv(0x43, b"\xa0"),)),)
    with pytest.raises(CardDataRefused):
        pack_fields(Fields({0x23: secret}))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"\x99\x00", FieldUnknown),
        (b"\x04\x00\x00", FieldTruncated),
        (b"\x22\xf1", FieldTruncated),
        (b"\x22\x01\x02", BcdNotDigits),
        (b"\x22\xf0\xf2\x12\x34", BcdNotDigits),
        (b"\x06\x05\x1f", FieldTruncated),
        (b"\x06\x83\x00\x00\x00", FieldTruncated),
        (b"\x06\x04\x1f\xff\xff\xff", FieldTruncated),
        (b"\x27\x00" * 65, TooManyFields),
    ],
)
def test_a_body_that_cannot_be_read_to_its_end_is_refused(body, error):
    with pytest.raises(error):
        parse_fields(body)


def test_too_deep_a_container_is_refused():
    nested = Tlv(0x0A, b"\x01")
    for _ in range(6):
        nested = Tlv(0x26, children=(nested,))

    with pytest.raises(TooManyFields):
        parse_tlv(pack_tlv([nested]))


def test_too_many_objects_are_refused():
    with pytest.raises(TooManyFields):
        parse_tlv(pack_tlv([Tlv(0x0A, b"\x01")] * 200))


@settings(max_examples=3000)
@given(st.binary(max_size=120))
def test_any_body_is_read_or_refused_and_nothing_else(body):
    try:
        parse_status(zvt.Apdu(zvt.Command.STATUS_INFORMATION, body))
    except ZvtMalformed:
        return


tags = st.sampled_from([0x0A, 0x43, 0x1F10, 0x1F2B, 0xDF50, 0xDF53, 0xC4, 0x4E])
leaves = st.builds(Tlv, tags, st.binary(min_size=1, max_size=300))
branches = st.builds(
    lambda tag, children: Tlv(tag, children=tuple(children)),
    st.sampled_from([0x60, 0x26, 0x24]),
    st.lists(leaves, min_size=1, max_size=3),
)


@settings(max_examples=500)
@given(st.lists(st.one_of(leaves, branches), max_size=6))
def test_tlv_objects_come_back_as_they_went(objects):
    assert parse_tlv(pack_tlv(objects)) == tuple(objects)


@given(st.text("0123456789", min_size=1, max_size=12))
def test_digits_survive_bcd(text):
    assert digits(bcd(text, 6)) == text.rjust(12, "0")


@pytest.mark.parametrize(("text", "size"), [("12345", 2), ("1a", 1), ("-1", 1), ("١٢", 1), ("", 1)])
def test_other_than_fitting_digits_are_refused(text, size):
    with pytest.raises(BcdNotDigits):
        bcd(text, size)


@pytest.mark.parametrize("packed", [b"\x1a", b"\xff", b""])
def test_other_than_digits_are_not_read(packed):
    with pytest.raises(BcdNotDigits):
        digits(packed)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("4000000000001042", "400000******1042"), ("12345678", "****5678"), ("1" * 19, None)],
)
def test_masking_keeps_six_and_four_at_most(number, shown):
    assert masked(number) == (shown or "111111*********1111")


@pytest.mark.parametrize(
    ("date", "time", "near", "expected"),
    [
        ("1122", "115959", "2026-11-22T07:00:00", "2026-11-22T06:59:59"),
        ("1231", "235959", "2026-12-31T19:30:00", "2026-12-31T18:59:59"),
        ("0101", "000001", "2026-12-31T18:59:00", "2026-12-31T19:00:01"),
        ("0229", "120000", "2028-03-01T00:00:00", "2028-02-29T07:00:00"),
    ],
)
def test_the_terminals_clock_is_read_in_the_countrys_zone(date, time, near, expected):
    status = StatusInformation(result=0, date=date, time=time)
    now = datetime.fromisoformat(near).replace(tzinfo=UTC)

    assert status.terminal_time(near=now) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(("date", "time"), [("1332", "120000"), ("", ""), ("0101", "250000")])
def test_a_time_that_does_not_exist_is_refused(date, time):
    status = StatusInformation(result=0, date=date, time=time)

    with pytest.raises(zvt_status.StatusInvalid):
        status.terminal_time(near=datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("number", "packed"), [(1, "000001"), (999_999, "999999"), (1_000_000, "000001")]
)
def test_message_numbers_run_from_one_and_skip_zero(number, packed):
    (one,) = zvt.sequence_tlv(number)

    assert one == Tlv(zvt.TAG_SEQUENCE, bytes.fromhex(packed))


def test_the_amount_never_overflows_its_field():
    with pytest.raises(BcdNotDigits):
        bcd(str(10**12), 6)
    assert parse_fields(pack_fields(Fields({AMOUNT: bcd("999999999999", 6)}))).number(AMOUNT) == (
        999_999_999_999
    )
