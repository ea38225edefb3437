"""Repeating the draws of a day from the leaves of the log, as an outsider exports them."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.audit.rules.tally import FIELD
from app.clock import law_date
from app.exchange.rules.sampling import DrawReport, SampledLeaf, check_day

_RECEIVED: Final = frozenset(
    {"exchange.request_decided", "exchange.request_refused", "exchange.request_waits"}
)
_COMMITTED: Final = "exchange.seed_committed"
_OPENED: Final = "exchange.seed_opened"


class DayNotOpen(ValueError):
    """The leaves hold no commitment for that day, or its seed is not opened yet."""


def repeat_day(leaves: Iterable[bytes], *, day: date) -> DrawReport:
    """Return what repeating every draw of ``day`` finds. The leaves alone are needed.

    Whether they are the log's is ``app.audit.verify``'s to say; here they are believed.

    Raises:
        DayNotOpen: see there.
        ValueError: a line is no leaf.
    """
    commitments: list[dict[str, str]] = []
    seeds: list[dict[str, str]] = []
    drawn: list[SampledLeaf] = []
    for line in leaves:
        leaf = json.loads(line)
        event, fields = leaf.get("event"), leaf.get("fields")
        if fields is None:
            raise DayNotOpen("a line is no leaf of the log")
        if event in {_COMMITTED, _OPENED} and fields["day"] == day.isoformat():
            (commitments if event == _COMMITTED else seeds).append(fields)
        elif event in _RECEIVED and FIELD in fields and _day_of(leaf) == day:
            running = fields[FIELD]
            drawn.append(
                SampledLeaf(
                    person_id=UUID(running["stream"]),
                    month=running["month"],
                    number=running["number"],
                    drawn=fields["drawn"],
                )
            )
    if not commitments or not seeds:
        raise DayNotOpen(f"the draw of {day.isoformat()} is not opened in these leaves")
    # The first commitment binds: a second one for the same day would be a choice of seed.
    return check_day(
        commitment=commitments[0]["commitment"],
        seed=bytes.fromhex(seeds[0]["seed"]),
        day=day,
        leaves=drawn,
    )


def _day_of(leaf: dict[str, str]) -> date:
    return law_date(datetime.fromisoformat(leaf["at"]))
