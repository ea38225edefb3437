import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit import verify
from app.audit.rules import merkle
from app.audit.rules.merkle import ProofNotValid
from app.audit.rules.note import (
    Checkpoint,
    NoteNotValid,
    Proof,
    VerifierKey,
    checkpoint_text,
    proof_text,
    signed_note,
)

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
VKEY = VerifierKey(name="log.example/audit", public_key=KEY.public_key().public_bytes_raw())
LEAVES = [b'{"event":"a.b","n":%d}' % number for number in range(11)]


def signed(leaves):
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    growth = merkle.grow(size=0, frontier=[], leaf_hashes=hashes)
    nodes = {(0, place): hash_ for place, hash_ in enumerate(hashes)} | dict(growth.nodes)
    text = checkpoint_text(Checkpoint(origin=VKEY.name, size=growth.size, root=growth.root))
    return signed_note(text=text, key=VKEY, sign=KEY.sign), nodes


NOTE, NODES = signed(LEAVES)


def proof_of(index):
    steps = merkle.path_coordinates(index=index, size=len(LEAVES))
    return proof_text(
        Proof(index=index, path=tuple(merkle.path_from(steps, NODES)), checkpoint=NOTE)
    )


@pytest.mark.parametrize("index", range(11))
def test_every_leaf_is_proven_by_its_own_proof(index):
    checkpoint = verify.verify_proof(
        leaf=LEAVES[index], proof=proof_of(index), verifier_key=str(VKEY)
    )

    assert checkpoint.size == 11


def test_every_flipped_byte_of_a_leaf_is_refused():
    for place in range(len(LEAVES[4])):
        leaf = bytearray(LEAVES[4])
        leaf[place] ^= 1
        with pytest.raises(ProofNotValid):
            verify.verify_proof(leaf=bytes(leaf), proof=proof_of(4), verifier_key=str(VKEY))


def test_every_changed_character_of_a_proof_is_refused():
    proof = proof_of(4)

    for place in range(len(proof)):
        changed = proof[:place] + ("A" if proof[place] != "A" else "B") + proof[place + 1 :]
        with pytest.raises((ProofNotValid, NoteNotValid)):
            verify.verify_proof(leaf=LEAVES[4], proof=changed, verifier_key=str(VKEY))


def test_a_whole_log_is_recomputed_to_its_checkpoint():
    checkpoint = verify.verify_log(leaves=LEAVES, checkpoint=NOTE, verifier_key=str(VKEY))

    assert checkpoint.size == 11


@pytest.mark.parametrize(
    "leaves",
    [
        LEAVES[:-1],
        [*LEAVES, b"more"],
        [LEAVES[1], LEAVES[0], *LEAVES[2:]],
        [*LEAVES[:5], b"changed", *LEAVES[6:]],
        [],
    ],
    ids=["fewer", "more", "swapped", "changed", "none"],
)
def test_a_log_that_is_not_the_signed_one_is_refused(leaves):
    with pytest.raises(ProofNotValid):
        verify.verify_log(leaves=leaves, checkpoint=NOTE, verifier_key=str(VKEY))


@pytest.fixture
def exported(tmp_path):
    (tmp_path / "leaves").write_bytes(b"".join(leaf + b"\n" for leaf in LEAVES))
    (tmp_path / "checkpoint").write_text(NOTE)
    (tmp_path / "key").write_text(f"{VKEY}\n")
    (tmp_path / "leaf").write_bytes(LEAVES[3] + b"\n")
    (tmp_path / "proof").write_text(proof_of(3))
    return tmp_path


def log_arguments(folder):
    return [
        *("log", "--key", str(folder / "key")),
        *("--checkpoint", str(folder / "checkpoint"), "--leaves", str(folder / "leaves")),
    ]


def test_the_command_runs_alone_with_nothing_but_the_standard_library(exported):
    # -S leaves out site-packages: whatever is installed cannot be imported.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "app.audit.verify", *log_arguments(exported)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "holds: log.example/audit, 11 leaves\n")


def test_the_command_proves_one_leaf_from_files(exported, capsys):
    code = verify.main(
        [
            *("proof", "--key", str(VKEY)),
            *("--proof", str(exported / "proof"), "--leaf", str(exported / "leaf")),
        ]
    )

    assert (code, capsys.readouterr().out) == (0, "holds: log.example/audit, 11 leaves\n")


def test_the_command_refuses_a_file_with_one_flipped_byte(exported, capsys):
    content = bytearray((exported / "leaves").read_bytes())
    content[30] ^= 1
    (exported / "leaves").write_bytes(bytes(content))

    code = verify.main(log_arguments(exported))

    assert (code, capsys.readouterr().out[:8]) == (1, "REFUSED:")


def test_the_command_refuses_an_export_that_was_cut_off(exported, capsys):
    content = (exported / "leaves").read_bytes()
    (exported / "leaves").write_bytes(content[:-3])

    code = verify.main(log_arguments(exported))

    assert (code, "cut off" in capsys.readouterr().out) == (1, True)
