"""Check the log offline, without our server, our database or anything to install.

    python -m app.audit.verify proof --key KEY --proof FILE --leaf FILE
    python -m app.audit.verify log --key KEY --checkpoint FILE --leaves FILE
    python -m app.audit.verify tiles --key KEY --checkpoint FILE --tiles FOLDER
    python -m app.audit.verify growth --key KEY --earlier FILE --growth FILE
    python -m app.audit.verify numbers --leaves FILE
    python -m app.audit.verify report --key KEY --closing FILE --report FILE [--leaves FILE]

``KEY`` is the log's verifier key (``name+id+base64``, from ``/log/key``, compared with the one
handed over on paper) or a file that holds it. A leaf is the exact bytes of one line of an
export. ``--witness KEY``, as often as there are witnesses, demands their cosignatures too;
``--earlier FILE`` demands that the log continues a checkpoint taken before. Ends with 0 where
everything holds and 1 with the reason where it does not.

Standard library only, the Ed25519 arithmetic included (``app.audit.rules.ed25519``). Any other
reader of the same C2SP formats may be used instead, for instance Go's ``sumdb/tlog``.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from app.audit.rules import merkle
from app.audit.rules.cosignature import open_cosigned, parse_growth
from app.audit.rules.merkle import ProofNotValid
from app.audit.rules.note import (
    Checkpoint,
    NoteNotValid,
    parse_proof,
    parse_verifier_key,
)
from app.audit.rules.report import (
    ReportLine,
    StreamMonth,
    check_places,
    check_report,
    closing_of,
    read_report,
)
from app.audit.rules.tally import NumbersNotWhole, Tally
from app.audit.rules.tile_folder import check_strays, check_tree, reader_of
from app.audit.rules.tiles import TileNotValid, root_from_tiles

_REFUSALS = (
    NoteNotValid,
    ProofNotValid,
    TileNotValid,
    NumbersNotWhole,
    OSError,
    UnicodeDecodeError,
)


def verify_proof(
    *, leaf: bytes, proof: str, verifier_key: str, witnesses: Sequence[str] = ()
) -> Checkpoint:
    """Return the checkpoint under which ``leaf`` is proven to stand.

    Raises:
        NoteNotValid: the proof, its checkpoint or a key is malformed, or not signed by the log
            and every one of the witnesses.
        ProofNotValid: the leaf is not at that place of that tree.
    """
    parsed = parse_proof(proof)
    checkpoint = _opened(parsed.checkpoint, verifier_key, witnesses)
    merkle.check_inclusion(
        index=parsed.index,
        size=checkpoint.size,
        leaf_hash_=merkle.leaf_hash(leaf),
        path=parsed.path,
        root=checkpoint.root,
    )
    return checkpoint


def verify_log(
    *, leaves: Iterable[bytes], checkpoint: str, verifier_key: str, witnesses: Sequence[str] = ()
) -> Checkpoint:
    """Return the checkpoint after computing its root anew from every leaf.

    Raises:
        NoteNotValid: the checkpoint or a key is malformed, or not signed by all of them.
        ProofNotValid: the leaves are others, fewer, more, or in another order.
    """
    opened = _opened(checkpoint, verifier_key, witnesses)
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


def verify_growth(
    *, earlier: str, growth: str, verifier_key: str, witnesses: Sequence[str] = ()
) -> Checkpoint:
    """Return the newer checkpoint after checking that its tree continues the earlier one's.

    Args:
        earlier: a checkpoint kept from before; cosignatures are asked of the newer one.
        growth: earlier size, path and newer checkpoint, from ``/log/growth/…``.
        verifier_key: the log's.
        witnesses: keys of witnesses that must have cosigned the newer one.

    Raises:
        NoteNotValid: something is malformed, or not signed by all of them.
        ProofNotValid: the log was changed in between, or the proof is of another size.
    """
    before = _opened(earlier, verifier_key, ())
    parsed = parse_growth(growth)
    after = _opened(parsed.checkpoint, verifier_key, witnesses)
    if parsed.earlier != before.size:
        raise ProofNotValid("the proof is of another earlier size")
    merkle.check_consistency(
        earlier=before.size,
        earlier_root=before.root,
        size=after.size,
        root=after.root,
        path=parsed.path,
    )
    return after


def verify_tiles(
    *,
    folder: Path,
    checkpoint: str,
    verifier_key: str,
    earlier: str | None = None,
    witnesses: Sequence[str] = (),
) -> Checkpoint:
    """Return the checkpoint after computing its root anew from a folder of tiles.

    Every file of the folder is read: a full tile must give its hash in the tile above, a partial
    tile kept from a smaller tree must be the beginning of its successor, and nothing else may be
    there. With ``earlier``, the root of the smaller tree is computed from the same tiles.

    Raises:
        NoteNotValid: a checkpoint or key is malformed, or not signed by all of them.
        TileNotValid: a tile is missing, cut off, or no tile.
        ProofNotValid: the tiles give another root, or contradict each other.
    """
    opened = _opened(checkpoint, verifier_key, witnesses)
    check_tree(folder, opened.size)
    check_strays(folder, opened.size)
    read = reader_of(folder, opened.size)
    if root_from_tiles(opened.size, read) != opened.root:
        raise ProofNotValid("the tiles give another root")
    if earlier is not None:
        before = _opened(earlier, verifier_key, ())
        if before.size > opened.size:
            raise ProofNotValid("the tree has shrunk")
        if root_from_tiles(before.size, read) != before.root:
            raise ProofNotValid("the earlier tree had another root")
    return opened


def verify_numbers(*, leaves: Iterable[bytes]) -> tuple[int, int]:
    """Return how many running numbers the leaves hold and how many months are closed.

    Raises:
        NumbersNotWhole: a number is missing or stands twice, or a closing record says otherwise.
    """
    tally = Tally()
    for leaf in leaves:
        try:
            content = json.loads(leaf)
        except ValueError as error:
            raise NumbersNotWhole("a leaf is not JSON") from error
        if not isinstance(content, dict):
            raise NumbersNotWhole("a leaf is not an object")
        tally.add(content.get("event"), content.get("fields"))
    return tally.check()


def verify_report(
    *,
    reports: Iterable[Iterable[str]],
    closings: Iterable[bytes],
    verifier_key: str,
    witnesses: Sequence[str] = (),
    leaves: Iterable[bytes] | None = None,
) -> tuple[int, int]:
    """Return how many acts monthly reports hold, and of how many officers, none being missing.

    Args:
        reports: the tables, line by line; all those that share an officer's month together.
        closings: a line of JSON for each officer: the closing record ``leaf``, its ``proof``.
        verifier_key: the log's.
        witnesses: keys of witnesses that must have cosigned.
        leaves: with them, each act's own leaf must carry its number.

    Raises:
        NumbersNotWhole: an act is missing, stands twice, or is not what its leaf says.
        NoteNotValid, ProofNotValid: a closing record is not in the log.
    """
    last_numbers: dict[StreamMonth, int] = {}
    for line in closings:
        leaf, proof = _closing(line)
        verify_proof(leaf=leaf, proof=proof, verifier_key=verifier_key, witnesses=witnesses)
        at, last_number = closing_of(leaf)
        if last_numbers.setdefault(at, last_number) != last_number:
            raise NumbersNotWhole("two closing records contradict each other")
    acts: list[ReportLine] = [line for report in reports for line in read_report(report)]
    count = check_report(acts, closings=last_numbers)
    if leaves is not None:
        check_places(acts, leaves=leaves)
    return count, len(last_numbers)


def _closing(line: bytes) -> tuple[bytes, str]:
    try:
        content = json.loads(line)
        return content["leaf"].encode(), content["proof"] + ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NumbersNotWhole("a line holds no closing record with its proof") from error


def _opened(note: str, verifier_key: str, witnesses: Sequence[str]) -> Checkpoint:
    keys = [parse_verifier_key(one) for one in witnesses]
    opened, _ = open_cosigned(note, key=parse_verifier_key(verifier_key), witnesses=keys)
    return opened


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                raise ProofNotValid("the export is cut off in the middle of a leaf")
            yield line[:-1]


def _key(argument: str) -> str:
    path = Path(argument)
    return path.read_text() if path.is_file() else argument


def _proof(given: argparse.Namespace) -> str:
    leaf = given.leaf.read_bytes().removesuffix(b"\n")
    return _holds(
        verify_proof(
            leaf=leaf,
            proof=given.proof.read_text(),
            verifier_key=given.key,
            witnesses=given.witness,
        )
    )


def _log(given: argparse.Namespace) -> str:
    return _holds(
        verify_log(
            leaves=_lines(given.leaves),
            checkpoint=given.checkpoint.read_text(),
            verifier_key=given.key,
            witnesses=given.witness,
        )
    )


def _tiles(given: argparse.Namespace) -> str:
    return _holds(
        verify_tiles(
            folder=given.tiles,
            checkpoint=given.checkpoint.read_text(),
            verifier_key=given.key,
            earlier=None if given.earlier is None else given.earlier.read_text(),
            witnesses=given.witness,
        )
    )


def _growth(given: argparse.Namespace) -> str:
    return _holds(
        verify_growth(
            earlier=given.earlier.read_text(),
            growth=given.growth.read_text(),
            verifier_key=given.key,
            witnesses=given.witness,
        )
    )


def _numbers(given: argparse.Namespace) -> str:
    count, months = verify_numbers(leaves=_lines(given.leaves))
    return f"holds: {count} running numbers, {months} closed months"


def _report(given: argparse.Namespace) -> str:
    acts, officers = verify_report(
        reports=map(_table, given.report),
        closings=_lines(given.closing),
        verifier_key=given.key,
        witnesses=given.witness,
        leaves=None if given.leaves is None else _lines(given.leaves),
    )
    return f"holds: {acts} requests of {officers} officers, none missing"


def _table(path: Path) -> Iterator[str]:
    # Line ends stay as they are: those inside a quoted cell belong to it.
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from file


def _holds(checkpoint: Checkpoint) -> str:
    return f"holds: {checkpoint.origin}, {checkpoint.size} leaves"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.audit.verify")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(
        name: str, act: Callable[[argparse.Namespace], str], text: str, *files: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text)
        made.set_defaults(act=act)
        for file in files:
            made.add_argument(f"--{file}", type=Path, required=True)
        return made

    signed = [
        command("proof", _proof, "one leaf against its proof", "proof", "leaf"),
        command("log", _log, "every leaf against a checkpoint", "checkpoint", "leaves"),
        command("tiles", _tiles, "a folder of tiles against a checkpoint", "checkpoint", "tiles"),
        command("growth", _growth, "a checkpoint against an earlier one", "earlier", "growth"),
        command("report", _report, "monthly reports against closing records", "closing"),
    ]
    for one in signed:
        one.add_argument("--key", type=_key, required=True)
        one.add_argument("--witness", type=_key, action="append", default=[])
    commands.choices["tiles"].add_argument("--earlier", type=Path)
    commands.choices["report"].add_argument("--report", type=Path, action="append", required=True)
    commands.choices["report"].add_argument("--leaves", type=Path)
    command("numbers", _numbers, "running numbers against closing records", "leaves")
    return parser


def main(arguments: list[str]) -> int:
    """Run from the command line; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        said = given.act(given)
    except _REFUSALS as error:
        sys.stdout.write(f"REFUSED: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
