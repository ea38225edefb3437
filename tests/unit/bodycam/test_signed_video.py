import random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bodycam.rules.signed_video.claims import Scheme
from bodycam.rules.signed_video.findings import Verdict
from bodycam.rules.signed_video.judge import UNCOVERED_NOTE
from tests.factories_video import (
    FRAMES,
    GROUP,
    authority,
    certificate,
    judged,
    pem,
    signed,
    verdicts,
    with_byte_changed,
)

BOTH = [(codec, scheme) for codec in ("h264", "h265") for scheme in ("axis", "onvif")]
WHOLE = [(0, 100, "signed"), (100, 120, "unsigned")]
TAIL = (100, 120, "unsigned")  # its signature would stand in the next group


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
@pytest.mark.parametrize(
    "form",
    [{}, {"version": 3}, {"version": 1}, {"escaped": False}, {"with_list": False}],
    ids=str,
)
def test_an_untouched_stream_is_signed_to_its_last_closed_group(codec, scheme, form):
    found = judged(signed(codec, scheme, **form), codec)

    assert found.scheme is Scheme(scheme)
    assert verdicts(found) == WHOLE
    assert not found.tampered


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_parts_of_a_group_are_signed_on_their_own(codec, scheme):
    found = judged(signed(codec, scheme, units_max=7), codec)

    assert verdicts(found) == [(0, 114, "signed"), (114, 120, "unsigned")]
    assert not found.tampered


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_an_unsigned_claim_counts_once_a_signed_one_covers_it(codec, scheme):
    found = judged(signed(codec, scheme, sign_every=3), codec)

    assert verdicts(found) == [(0, 60, "signed"), (60, 120, "unsigned")]


@pytest.mark.parametrize("scheme", ["axis", "onvif"])
def test_frames_of_many_slices_are_checked_slice_by_slice(scheme):
    frames = signed("h264", scheme, slices=4)
    third = frames[30][2]
    frames[30][2] = third[:9] + bytes([third[9] ^ 1]) + third[10:]

    found = judged(frames)

    assert verdicts(found) == [(0, 30, "signed"), (30, 31, "changed"), (31, 100, "signed"), TAIL]


@pytest.mark.parametrize("scheme", ["axis", "onvif"])
def test_rsa_keys_sign_too(scheme, rsa_key):
    chain = pem(certificate("camera", rsa_key, "Cameras", authority()[1]))

    found = judged(signed("h264", scheme, key=rsa_key, chain_pem=chain))

    assert verdicts(found) == WHOLE


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
@pytest.mark.parametrize("number", [0, 1, 37, 39, 40, 99])
def test_one_changed_byte_is_found_in_its_frame_and_no_other(codec, scheme, number):
    frames = with_byte_changed(signed(codec, scheme), number)

    found = judged(frames, codec)

    before = [(0, number, "signed")] if number else []
    after = [(number + 1, 100, "signed")] if number < 99 else []
    assert verdicts(found) == [*before, (number, number + 1, "changed"), *after, TAIL]
    assert found.missing == ()
    assert found.tampered


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
@pytest.mark.parametrize("number", [37, 39, 45])
def test_a_dropped_frame_is_missed_where_it_stood(codec, scheme, number):
    frames = signed(codec, scheme)
    del frames[number]

    found = judged(frames, codec)

    assert [(one.frame, one.count) for one in found.missing] == [(number, 1)]
    assert verdicts(found) == [(0, 99, "signed"), (99, 119, "unsigned")]
    assert found.tampered


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_frames_in_another_order_are_named(codec, scheme):
    frames = signed(codec, scheme)
    frames[33], frames[34] = frames[34], frames[33]

    found = judged(frames, codec)

    assert found.tampered
    assert found.missing == ()
    assert [
        (one.end_frame - one.first_frame) for one in found.spans if one.verdict.value == "moved"
    ] == [1]
    assert {one.first_frame for one in found.spans if one.verdict.value == "moved"} <= {33, 34}


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
@pytest.mark.parametrize("form", [{}, {"with_list": False}, {"version": 1}], ids=str)
def test_a_group_cut_out_is_missed(codec, scheme, form):
    frames = signed(codec, scheme, **form)
    del frames[2 * GROUP : 3 * GROUP]

    found = judged(frames, codec)

    assert found.tampered
    assert found.missing or form == {"with_list": False}
    assert all(20 <= one.frame <= 40 for one in found.missing)
    assert verdicts(found)[0] == (0, 20, "signed")
    assert (40, 80, "signed") in verdicts(found)


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_many_groups_cut_out_are_missed(codec, scheme):
    frames = signed(codec, scheme)
    del frames[GROUP : 4 * GROUP]

    found = judged(frames, codec)

    assert found.tampered
    assert found.missing


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_a_frame_put_in_is_not_signed(codec, scheme):
    frames = signed(codec, scheme)
    frames.insert(50, frames[10])

    found = judged(frames, codec)

    assert (50, 51, "changed") in verdicts(found)
    assert found.tampered


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_a_stripped_signature_leaves_its_group_unsigned_and_no_other(codec, scheme):
    frames = signed(codec, scheme)
    sei = 0x06 if codec == "h264" else 0x4E
    frames[60] = [unit for unit in frames[60] if unit[0] != sei or b"x26" in unit]

    found = judged(frames, codec)

    assert verdicts(found) == [(0, 40, "signed"), (40, 60, "unsigned"), (60, 100, "signed"), TAIL]


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_a_stream_stripped_of_all_signatures_is_unsigned(codec, scheme):
    sei = 0x06 if codec == "h264" else 0x4E
    frames = [[unit for unit in units if unit[0] != sei] for units in signed(codec, scheme)]

    found = judged(frames, codec)

    assert found.scheme is None
    assert verdicts(found) == [(0, FRAMES, "unsigned")]


def _forged(frames, at):
    """Change a hash under the signature of the SEI in frame ``at``."""
    sei = next(unit for unit in frames[at] if unit[0] == 0x06 and len(unit) > 600)
    changed = sei[:400] + bytes([sei[400] ^ 0x20]) + sei[401:]
    frames[at] = [changed if unit is sei else unit for unit in frames[at]]


@pytest.mark.parametrize("scheme", ["axis", "onvif"])
def test_a_changed_signature_convicts_what_it_covers(scheme):
    frames = signed("h264", scheme)
    _forged(frames, 60)

    found = judged(frames)

    assert found.wrong_signatures or found.broken_claims
    assert (60, 100, "signed") in verdicts(found)
    assert all(one[2] != "signed" for one in verdicts(found) if 40 <= one[0] < 60)


def test_a_file_cut_out_of_a_longer_one_is_whole_in_itself():
    frames = signed("h264", "onvif")[2 * GROUP :]

    found = judged(frames)

    assert verdicts(found) == [(0, 60, "signed"), (60, 80, "unsigned")]
    assert not found.tampered


@pytest.mark.parametrize("seed", range(40))
def test_changed_bits_of_a_picture_never_pass(seed):
    chance = random.Random(seed)
    codec, scheme = chance.choice(BOTH)
    frames = [list(units) for units in signed(codec, scheme)]
    unit = bytearray(frames[number := chance.randrange(5 * GROUP)][-1])
    unit[chance.randrange(len(unit) - 2)] ^= 1 << chance.randrange(8)
    frames[number][-1] = bytes(unit)

    found = judged(frames, codec)

    assert found.tampered
    assert all(
        one.verdict.value != "signed"
        for one in found.spans
        if one.first_frame <= number < one.end_frame
    )


@pytest.mark.parametrize("seed", range(60))
def test_garbage_in_any_unit_never_breaks_the_check(seed):
    chance = random.Random(seed)
    codec, scheme = chance.choice(BOTH)
    frames = [list(units) for units in signed(codec, scheme)]
    for _ in range(30):
        units = chance.choice(frames)
        number = chance.randrange(len(units))
        content = bytearray(units[number])
        at = chance.randrange(len(content))
        content[at : at + chance.randrange(40)] = chance.randbytes(chance.randrange(40))
        units[number] = bytes(content)

    found = judged(frames, codec)

    assert found.frames == FRAMES


def of_another_kind(unit, codec, number):
    """Return the unit under another type of the codec's table 7-1."""
    if codec == "h264":
        return bytes([unit[0] & 0xE0 | number]) + unit[1:]
    return bytes([unit[0] & 0x81 | number << 1]) + unit[1:]


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
@pytest.mark.parametrize("layer", [2, 3, 4])
def test_pictures_of_a_temporal_layer_are_unsigned_and_no_tampering(codec, scheme, layer):
    # As both public frameworks sign: the camera hashes the base layer and passes over the rest.
    layered = []
    for frame in signed(codec, scheme):
        layered += [frame, [of_another_kind(frame[-1], codec, layer)]]

    found = judged(layered, codec)

    kinds = [one.verdict.value for one in found.spans]
    assert kinds[:200] == ["signed", "unsigned"] * 100
    assert found.frames_of(Verdict.SIGNED) == 100
    assert not found.tampered
    assert found.notes == (UNCOVERED_NOTE,)


@pytest.mark.parametrize(("codec", "scheme"), BOTH)
def test_a_signed_picture_that_is_passed_off_as_a_layer_is_missed(codec, scheme):
    frames = list(signed(codec, scheme))
    frames[57] = [*frames[57][:-1], of_another_kind(frames[57][-1], codec, 2)]

    found = judged(frames, codec)

    assert found.tampered
