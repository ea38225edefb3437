"""Instants and the zone of the law."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LAW_ZONE = ZoneInfo("Asia/Almaty")  # Order 151 item 29; never a fixed offset


def utc_now() -> datetime:
    """Return the current instant. Rules never call this: they are given ``now``."""
    return datetime.now(UTC)


def in_law_zone(instant: datetime) -> datetime:
    """Return ``instant`` as the clocks of the law show it."""
    return instant.astimezone(LAW_ZONE)


def law_date(instant: datetime) -> date:
    """Return the calendar day of ``instant`` in the zone of the law."""
    return in_law_zone(instant).date()
