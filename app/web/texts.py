"""The languages of the pages: which one a request wants, its words, dates, sizes and money.

Catalogues are read from ``locales/*.po`` at start, so none is ever older than its source.
"""

import functools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from fastapi import Request

from app.clock import LAW_ZONE

LANGUAGES: Final = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
DEFAULT_LANGUAGE: Final = "kk"
LANGUAGE_COOKIE: Final = "saqshy_language"
LOCALES_DIR: Final = Path(__file__).parent / "locales"
_ACCEPTED_MAX: Final = 16  # ranges of one Accept-Language header
_TIYN_IN_TENGE: Final = 100


def N_(message: str) -> str:  # noqa: N802 - the marker's usual name, which the extractor knows
    """Mark ``message`` for translation where it stands; it is said later, in a language."""
    return message


@functools.cache
def catalogue(language: str) -> Translations:
    """Return the words of one of ``LANGUAGES``."""
    with (LOCALES_DIR / f"{language}.po").open("rb") as file:
        source = read_po(file, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, source)
    compiled.seek(0)
    return Translations(compiled)


def language_of(request: Request) -> str:
    """Return the language chosen by cookie, else wanted by ``Accept-Language``, else Kazakh."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wanted = _accepted(request.headers.get("accept-language", ""))
    found = negotiate_locale(wanted, list(LANGUAGES), sep="-")
    return found or DEFAULT_LANGUAGE


def _accepted(header: str) -> list[str]:
    weighed: list[tuple[float, str]] = []
    for part in header.split(",")[:_ACCEPTED_MAX]:
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if name and name != "*" and quality > 0:
            weighed.append((quality, name.lower()))
    weighed.sort(key=lambda one: -one[0])  # stable: equal weights keep their order
    return [name for _, name in weighed]


@dataclass(frozen=True, kw_only=True)
class Formats:
    """How one language writes instants, days, lengths, sizes and money.

    Instants are shown by the clocks of the law's zone, never by those of the reader's machine.
    """

    language: str

    @property
    def locale(self) -> Locale:
        """The Babel locale; Russian and English as written in Kazakhstan differ in nothing here."""
        return Locale.parse(self.language)

    def day(self, value: date | datetime) -> str:
        """Return a date in words; of an instant, the day in the law's zone."""
        return format_date(_lawful_day(value), format="long", locale=self.locale)

    def short_day(self, value: date | datetime) -> str:
        """Return a date in digits, such as 22.11.2026; fits a narrow column."""
        return format_date(_lawful_day(value), format="dd.MM.y", locale=self.locale)

    def month(self, value: str) -> str:
        """Return a month ``YYYY-MM`` in words."""
        first = date.fromisoformat(f"{value}-01")
        return format_date(first, format="LLLL y", locale=self.locale)

    def weekday(self, value: date | datetime) -> str:
        """Return the name of the day of the week."""
        return format_date(_lawful_day(value), format="EEEE", locale=self.locale)

    def moment(self, value: datetime) -> str:
        """Return an instant to the minute, in digits."""
        return format_datetime(value, "dd.MM.y, HH:mm", tzinfo=LAW_ZONE, locale=self.locale)

    def exact(self, value: datetime) -> str:
        """Return an instant to the second, in digits."""
        return format_datetime(value, "dd.MM.y, HH:mm:ss", tzinfo=LAW_ZONE, locale=self.locale)

    def clock(self, value: datetime) -> str:
        """Return the time of day to the second."""
        return format_time(value, "HH:mm:ss", tzinfo=LAW_ZONE, locale=self.locale)

    def length(self, seconds: float) -> str:
        """Return a length of time in hours and minutes, or in minutes and seconds."""
        say = catalogue(self.language).gettext
        whole = round(seconds)
        hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
        shown = (
            ((say("%(count)s h"), hours), (say("%(count)s min"), minutes))
            if hours
            else ((say("%(count)s min"), minutes), (say("%(count)s s"), rest))
        )
        parts = [words % {"count": count} for words, count in shown if count]
        parts = parts or [say("%(count)s s") % {"count": 0}]
        return "\N{NO-BREAK SPACE}".join(parts)

    def size(self, size_bytes: int) -> str:
        """Return a number of bytes in the largest decimal unit that leaves a whole digit."""
        say = catalogue(self.language).gettext
        for shown, unit in (
            (N_("%(count)s GB"), 10**9),
            (N_("%(count)s MB"), 10**6),
            (N_("%(count)s KB"), 10**3),
        ):
            if size_bytes >= unit:
                return say(shown) % {"count": self.number(round(size_bytes / unit, 1))}
        return say("%(count)s bytes") % {"count": self.number(size_bytes)}

    def number(self, value: float) -> str:
        """Return a number with the language's separators."""
        return format_decimal(value, locale=self.locale)

    def money(self, tiyn: int) -> str:
        """Return whole tiyn as tenge with the sign of the currency."""
        tenge = Decimal(tiyn) / _TIYN_IN_TENGE
        shown = format_decimal(tenge, format="#,##0.00", locale=self.locale)
        return f"{shown}\N{NO-BREAK SPACE}\N{TENGE SIGN}"


def _lawful_day(value: date | datetime) -> date:
    return value.astimezone(LAW_ZONE).date() if isinstance(value, datetime) else value


@functools.cache
def formats(language: str) -> Formats:
    """Return the formats of one of ``LANGUAGES``."""
    return Formats(language=language)
