"""Importing the catalogue, the index and the days off: shown as a difference, then applied.

Rows that records rest on keep what a penalty was computed from: such a change is a new row from
a later day, and the end of the old one.
"""

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

import app.calendar.service as calendar
from app.audit.service import AuditTrail
from app.calendar.rules import SpecialDay, parse_special_days
from fines import repository
from fines.errors import CatalogueNotValid
from fines.rules.catalogue import (
    Article,
    Mrp,
    Origin,
    parse_articles,
    parse_mrp,
    refuse_overlaps,
)

FILE_BYTES_MAX: Final = 4 << 20
# What a sum follows from: never changed in a row that a record rests on.
_BINDING: Final = ("penalties", "mrp_count", "jurisdiction", "mrp_of_others")
_Row = Article | Mrp | SpecialDay


class ImportKind(enum.Enum):
    """What a file holds; told by its header."""

    ARTICLES = "articles"
    MRP = "mrp"
    SPECIAL_DAYS = "special_days"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What applying a file would do, and the lines that tell it."""

    kind: ImportKind
    sha256: str
    added: Sequence[_Row] = ()
    changed: Sequence[_Row] = ()
    same: int = 0
    lines: Sequence[str] = field(default=())


async def read_difference(session: AsyncSession, *, text: str) -> Difference:
    """Return what applying the file would change; nothing is changed.

    Raises:
        CatalogueNotValid, CalendarNotValid: the file is not well formed, its rows would overlap
            with those entered, or it changes what a record rests on.
    """
    kind = _kind(text)
    lines = text.splitlines()
    known: Mapping[object, _Row]
    rows: Sequence[_Row]
    match kind:
        case ImportKind.ARTICLES:
            articles = parse_articles(lines)
            entered = await repository.articles(session)
            known = {_key(one): one for _, one in entered}
            rows = articles
            await _refuse_articles(session, articles, [one for _, one in entered])
        case ImportKind.MRP:
            known = {_key(one): one for one in await repository.all_mrp_values(session)}
            rows = parse_mrp(lines)
        case ImportKind.SPECIAL_DAYS:
            known = {_key(one): one for one in await calendar.special_days(session)}
            rows = parse_special_days(lines)
    return _compared(kind, hashlib.sha256(text.encode()).hexdigest(), rows, known)


def _kind(text: str) -> ImportKind:
    header = set(text.partition("\n")[0].strip().lstrip("\ufeff").split(","))
    for kind, column in (
        (ImportKind.ARTICLES, "penalties"),
        (ImportKind.MRP, "tenge"),
        (ImportKind.SPECIAL_DAYS, "kind"),
    ):
        if column in header:
            return kind
    raise CatalogueNotValid("the header names neither articles, nor an index, nor special days")


def _key(row: _Row) -> object:
    if isinstance(row, Article):
        return row.article, row.part, row.valid_from
    return row.valid_from if isinstance(row, Mrp) else row.day


def _name(row: _Row) -> str:
    if isinstance(row, Article):
        return f"{row.citation} from {row.valid_from}"
    return f"MRP from {row.valid_from}" if isinstance(row, Mrp) else f"day {row.day}"


async def _refuse_articles(
    session: AsyncSession, rows: Sequence[Article], entered: Sequence[Article]
) -> None:
    new = {_key(one): one for one in rows}
    before = {_key(one): one for one in entered}
    refuse_overlaps([*(one for key, one in before.items() if key not in new), *rows])
    used = await repository.articles_in_use(session)
    for key, row in new.items():
        old, last_used = before.get(key), used.get(key)
        if old is None or last_used is None:
            continue
        if any(getattr(old, name) != getattr(row, name) for name in _BINDING):
            raise CatalogueNotValid(
                f"records rest on {_name(row)}: end it and add a row from a later day"
            )
        if row.valid_to is not None and row.valid_to < last_used:
            raise CatalogueNotValid(f"{_name(row)} is in use until {last_used}")


def _compared(
    kind: ImportKind, sha256: str, rows: Sequence[_Row], known: Mapping[object, _Row]
) -> Difference:
    added = [one for one in rows if _key(one) not in known]
    changed = [one for one in rows if _key(one) in known and known[_key(one)] != one]
    lines = [f"+ {_name(one)}: {_told(one)}{_doubt(one)}" for one in added]
    for one in changed:
        old = known[_key(one)]
        lines += [
            f"~ {_name(one)}: {name}: {_plain(getattr(old, name))} -> {_plain(getattr(one, name))}"
            for name in (each.name for each in fields(one))
            if getattr(old, name) != getattr(one, name)
        ]
    same = len(rows) - len(added) - len(changed)
    return Difference(
        kind=kind, sha256=sha256, added=added, changed=changed, same=same, lines=lines
    )


def _told(row: _Row) -> str:
    if isinstance(row, Article):
        return f"{_plain(row.penalties)}, {_plain(row.mrp_count)} MRP, to {_plain(row.valid_to)}"
    return f"{row.tenge} tenge" if isinstance(row, Mrp) else f"{row.kind.value} {row.name_ru}"


def _doubt(row: _Row) -> str:
    return "" if row.verified else " [not verified]"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, frozenset):
        return " ".join(sorted(_plain(one) for one in value)) or "none"
    if isinstance(value, Mapping):
        return " ".join(f"{_plain(key)}={_plain(one)}" for key, one in value.items()) or "none"
    return str(value)


async def apply_difference(
    session: AsyncSession, difference: Difference, *, trail: AuditTrail, now: datetime
) -> None:
    """Enter what ``difference`` holds; a release never overwrites it afterwards."""
    rows = [*difference.added, *difference.changed]
    articles = [one for one in rows if isinstance(one, Article)]
    if articles:
        await repository.put_articles(session, articles, origin=Origin.IMPORTED)
    values = [one for one in rows if isinstance(one, Mrp)]
    if values:
        await repository.put_mrp(session, values, origin=Origin.IMPORTED)
    days = [one for one in rows if isinstance(one, SpecialDay)]
    if days:
        await calendar.put_special_days(session, days)
    await trail.record(
        session,
        event="fines.catalogue_imported",
        at=now,
        who=None,
        fields={
            "kind": difference.kind.value,
            "file_sha256": difference.sha256,
            "added": len(difference.added),
            "changed": len(difference.changed),
        },
    )


async def unverified(session: AsyncSession) -> dict[str, Iterable[_Row]]:
    """Return every dated value that nobody has read in the act itself, for administrators."""
    return {
        "articles": [one for _, one in await repository.articles(session) if not one.verified],
        "mrp": [one for one in await repository.all_mrp_values(session) if not one.verified],
        "special_days": [one for one in await calendar.special_days(session) if not one.verified],
    }
