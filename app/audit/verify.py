"""Check the log offline, without our server, our database or anything to install.

    python -m app.audit.verify proof --key KEY --proof FILE --leaf FILE
    python -m app.audit.verify log --key KEY --checkpoint FILE --leaves FILE

``KEY`` is the log's verifier key (``name+id+base64``, from ``/log/key``, compared with the one
handed over on paper) or a file that holds it. A leaf is the exact bytes of one line of an
export. Ends with 0 where everything holds and 1 with the reason where it does not.

Standard library only, the Ed25519 arithmetic included (``app.audit.rules.ed25519``). Any other
reader of the same C2SP formats may be used instead, for instance Go's ``sumdb/tlog``.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from app.audit.rules import merkle
from app.audit.rules.merkle import ProofNotValid
from app.audit.rules.note import (
    Checkpoint,
    NoteNotValid,
    open_checkpoint,
    parse_proof,
    parse_verifier_key,
)


def verify_proof(*, leaf: bytes, proof: str, verifier_key: str) -> Checkpoint:
    """Return the checkpoint under which ``leaf`` is proven to stand.

    Raises:
        NoteNotValid: the proof, its checkpoint or the key is malformed or not signed by the key.
        ProofNotValid: the leaf is not at that place of that tree.
    """
    parsed = parse_proof(proof)
    checkpoint = open_checkpoint(parsed.checkpoint, key=parse_verifier_key(verifier_key))
    merkle.check_inclusion(
        index=parsed.index,
        size=checkpoint.size,
        leaf_hash_=merkle.leaf_hash(leaf),
        path=parsed.path,
        root=checkpoint.root,
    )
    return checkpoint


def verify_log(*, leaves: Iterable[bytes], checkpoint: str, verifier_key: str) -> Checkpoint:
    """Return the checkpoint after computing its root anew from every leaf.

    Raises:
        NoteNotValid: the checkpoint or the key is malformed or not signed by the key.
        ProofNotValid: the leaves are others, fewer, more, or in another order.
    """
    opened = open_checkpoint(checkpoint, key=parse_verifier_key(verifier_key))
    size = 0
    frontier: list[bytes] = []
    for leaf in leaves:
        # The compact frontier: as many hashes as the size has one-bits, whatever the log's length.
        folded, place = merkle.leaf_hash(leaf), size
        while place & 1:
            folded, place = merkle.node_hash(frontier.pop(), folded), place >> 1
        frontier.append(folded)
        size += 1
    if size != opened.size:
        raise ProofNotValid(f"{size} leaves are here, the checkpoint covers {opened.size}")
    if merkle.root_of(frontier) != opened.root:
        raise ProofNotValid("the leaves give another root")
    return opened


def _lines(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                raise ProofNotValid("the export is cut off in the middle of a leaf")
            yield line[:-1]


def _key(argument: str) -> str:
    path = Path(argument)
    return path.read_text() if path.is_file() else argument


def main(arguments: list[str]) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.audit.verify")
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("proof", help="one leaf against its proof")
    one.add_argument("--proof", type=Path, required=True)
    one.add_argument("--leaf", type=Path, required=True)
    whole = what.add_parser("log", help="every leaf against a checkpoint")
    whole.add_argument("--checkpoint", type=Path, required=True)
    whole.add_argument("--leaves", type=Path, required=True)
    for command in (one, whole):
        command.add_argument("--key", type=_key, required=True)
    given = parser.parse_args(arguments)
    try:
        if given.what == "proof":
            leaf = given.leaf.read_bytes().removesuffix(b"\n")
            checkpoint = verify_proof(
                leaf=leaf, proof=given.proof.read_text(), verifier_key=given.key
            )
        else:
            checkpoint = verify_log(
                leaves=_lines(given.leaves),
                checkpoint=given.checkpoint.read_text(),
                verifier_key=given.key,
            )
    except (NoteNotValid, ProofNotValid, OSError, UnicodeDecodeError) as error:
        sys.stdout.write(f"REFUSED: {error}\n")
        return 1
    sys.stdout.write(f"holds: {checkpoint.origin}, {checkpoint.size} leaves\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
