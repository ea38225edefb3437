import base64
from datetime import UTC, datetime

import pytest

from app.audit.rules.cosignature import (
    COSIGNATURE,
    cosignature_line,
    cosigned_at,
    cosigned_message,
    open_cosigned,
    parse_growth,
)
from app.audit.rules.note import NoteNotValid, VerifierKey, open_checkpoint, parse_verifier_key
from tests.factories_log import COSIGNED_AT, LOG, LOG_KEY, WITNESS, WITNESS_KEY, SmallLog, leaves

TREE = SmallLog(leaves(9))
NOTE = TREE.note(9)
COSIGNED = TREE.note(9, cosigned=True)
OTHER = VerifierKey(name="witness.example/w2", public_key=WITNESS.public_key, kind=COSIGNATURE)


def test_the_witness_signs_the_text_of_the_specification():
    message = cosigned_message(NOTE, at=1679315147).decode()

    assert message.startswith("cosignature/v1\ntime 1679315147\nlog.example/audit\n9\n")
    assert message.endswith("=\n")
    assert message.count("\n") == 5


def test_a_cosigned_checkpoint_says_when():
    checkpoint, instants = open_cosigned(COSIGNED, key=LOG, witnesses=[WITNESS])

    assert checkpoint.size == 9
    assert instants == {WITNESS.name: datetime.fromtimestamp(COSIGNED_AT, UTC)}


def test_who_does_not_know_the_witness_reads_the_checkpoint_all_the_same():
    assert open_checkpoint(COSIGNED, key=LOG).size == 9


@pytest.mark.parametrize(("note", "witness"), [(NOTE, WITNESS), (COSIGNED, OTHER), (COSIGNED, LOG)])
def test_without_this_witness_it_is_refused(note, witness):
    with pytest.raises(NoteNotValid):
        cosigned_at(note, witness=witness)


def test_a_cosignature_of_another_checkpoint_does_not_fit():
    line = cosignature_line(TREE.note(8), key=WITNESS, at=COSIGNED_AT, sign=WITNESS_KEY.sign)

    with pytest.raises(NoteNotValid, match="does not fit"):
        cosigned_at(NOTE + line, witness=WITNESS)


def test_an_instant_that_was_not_signed_does_not_fit():
    line = COSIGNED.splitlines()[-1]
    content = bytearray(base64.b64decode(line.split(" ")[2]))
    content[11] ^= 1
    changed = f"— {WITNESS.name} {base64.b64encode(content).decode()}\n"

    with pytest.raises(NoteNotValid, match="does not fit"):
        cosigned_at(NOTE + changed, witness=WITNESS)


@pytest.mark.parametrize("at", [0, 2**63])
def test_an_instant_beyond_the_calendar_is_malformed(at):
    line = cosignature_line(NOTE, key=WITNESS, at=at, sign=WITNESS_KEY.sign)

    with pytest.raises(NoteNotValid, match="malformed"):
        cosigned_at(NOTE + line, witness=WITNESS)


def test_the_key_of_a_witness_is_not_the_key_of_a_log():
    line = cosignature_line(NOTE, key=WITNESS, at=COSIGNED_AT, sign=LOG_KEY.sign)

    with pytest.raises(NoteNotValid):
        open_checkpoint(NOTE + line, key=WITNESS)


def test_a_witness_key_is_written_and_read_back():
    assert parse_verifier_key(str(WITNESS)) == WITNESS


def test_a_proof_of_growth_is_written_and_read_back():
    growth = parse_growth(TREE.growth(5, 9))

    assert (growth.earlier, growth.path) == (5, TREE.consistency(5, 9))
    assert growth.checkpoint == NOTE


@pytest.mark.parametrize(
    "text",
    ["", "old 5", "old 05\n\nx", "new 5\n\nx", "old 5\nAA==\n\nx", "old 5\n!\n\nx",
     "old 5\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 64 + "\nx"],
)  # fmt: skip
def test_another_text_is_no_proof_of_growth(text):
    with pytest.raises(NoteNotValid):
        parse_growth(text)
