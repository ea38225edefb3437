import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.rules.note import (
    Checkpoint,
    NoteNotValid,
    Proof,
    VerifierKey,
    checkpoint_text,
    open_checkpoint,
    parse_proof,
    parse_verifier_key,
    proof_text,
    signed_note,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
NAME = "log.example/audit"
VKEY = VerifierKey(name=NAME, public_key=KEY.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(origin=NAME, size=42, root=bytes(range(32)))


def note_of(text, key=VKEY, sign=KEY.sign):
    return signed_note(text=text, key=key, sign=sign)


def test_the_example_key_of_the_specification_verifies_its_example_note():
    key = parse_verifier_key(
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )

    # The note's text is no checkpoint: it is refused as such, and only after its signature held.
    with pytest.raises(NoteNotValid, match="three lines"):
        open_checkpoint(
            "This is an example message.\n\n"
            "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXpp"
            "zi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
            key=key,
        )


def test_a_checkpoint_has_the_three_lines_of_the_specification():
    assert checkpoint_text(CHECKPOINT) == (
        "log.example/audit\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )


def test_a_signed_checkpoint_is_read_back():
    assert open_checkpoint(note_of(checkpoint_text(CHECKPOINT)), key=VKEY) == CHECKPOINT


def test_signatures_of_witnesses_are_passed_over():
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    other = VerifierKey(name="witness", public_key=witness.public_key().public_bytes_raw())
    text = checkpoint_text(CHECKPOINT)
    line = note_of(text, other, witness.sign).removeprefix(text + "\n")

    assert open_checkpoint(note_of(text) + line, key=VKEY) == CHECKPOINT


def test_a_verifier_key_survives_the_way_through_text():
    assert parse_verifier_key(f"{VKEY}\n") == VKEY


def test_every_changed_character_of_a_checkpoint_is_refused():
    note = note_of(checkpoint_text(CHECKPOINT))

    for place in range(len(note)):
        changed = note[:place] + ("A" if note[place] != "A" else "B") + note[place + 1 :]
        with pytest.raises(NoteNotValid):
            open_checkpoint(changed, key=VKEY)


BODY = checkpoint_text(CHECKPOINT)


@pytest.mark.parametrize(
    "note",
    [
        "",
        BODY,
        BODY + "\n",
        note_of(BODY)[:-1],
        note_of(BODY) + "\n",
        note_of(BODY).replace("— ", "- "),
        note_of(BODY).replace("\n42\n", "\n042\n"),
        note_of(BODY.replace("42", "042")),
        note_of(BODY.replace("42", "-1")),
        note_of(BODY + "extension\n"),
        note_of(BODY.replace(NAME, "other.example/log")),
        note_of(BODY.replace("\n42", "\r\n42")),
        note_of("\n42\n" + BODY.split("\n")[2] + "\n"),
        note_of(f"{NAME}\n42\nAAEC\n"),
        note_of(BODY) + "— x y\n" * 20,
        note_of("a" * 70_000 + "\n"),
    ],
    ids=range(16),
)
def test_a_note_of_another_form_is_refused(note):
    with pytest.raises(NoteNotValid):
        open_checkpoint(note, key=VKEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AAAA",
        str(VKEY).replace("+", "-", 1),
        f"{NAME}+00000000+" + base64.b64encode(b"\x01" + VKEY.public_key).decode(),
        f"{NAME}+{VKEY.key_id.hex()}+" + base64.b64encode(b"\x02" + VKEY.public_key).decode(),
        f"a b+{VKEY.key_id.hex()}+" + base64.b64encode(b"\x01" + VKEY.public_key).decode(),
        str(VKEY) + "!",
    ],
)
def test_a_verifier_key_of_another_form_is_refused(text):
    with pytest.raises(NoteNotValid):
        parse_verifier_key(text)


def test_a_proof_is_read_back_as_it_was_written():
    proof = Proof(index=7, path=(bytes(32), bytes(range(32))), checkpoint=note_of(BODY))

    assert parse_proof(proof_text(proof)) == proof


def test_a_proof_may_carry_extra_data_that_is_passed_over():
    proof = Proof(index=0, path=(), checkpoint=note_of(BODY))
    text = proof_text(proof).replace("index 0", "extra AAAA\nindex 0")

    assert parse_proof(text) == proof


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 1\n" + "A" * 43 + "=\n" * 1,
        "c2sp.org/tlog-proof@v1\nindex 1\n" + ("A" * 43 + "=\n") * 64 + "\nx",
    ],
)
def test_a_proof_of_another_form_is_refused(text):
    with pytest.raises(NoteNotValid):
        parse_proof(text)
