from datetime import UTC, date, datetime

import pytest
from starlette.requests import Request

from app.web.texts import LANGUAGE_COOKIE, catalogue, formats, language_of

NB = "\N{NO-BREAK SPACE}"


def asking(*, accept="", cookie=""):
    headers = [(b"accept-language", accept.encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "headers": [one for one in headers if one[1]]})


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "kk"),
        ("de-DE,de;q=0.9", "kk"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-US", "en"),
        ("en;q=0.2, ru-KZ;q=0.7, de", "ru"),
        ("kk-KZ", "kk"),
        ("ru;q=0", "kk"),
        ("*", "kk"),
        ("ru;q=x, en", "en"),
        (",;q=,;;", "kk"),
    ],
)
def test_a_browser_gets_the_language_it_prefers_and_kazakh_otherwise(accept, language):
    assert language_of(asking(accept=accept)) == language


@pytest.mark.parametrize(
    ("cookie", "language"), [("ru", "ru"), ("en", "en"), ("de", "kk"), ("../kk", "kk")]
)
def test_the_chosen_language_goes_before_the_preferred_one(cookie, language):
    request = asking(accept="kk", cookie=f"{LANGUAGE_COOKIE}={cookie}")

    assert language_of(request) == language


def test_of_a_very_long_header_only_the_beginning_is_read():
    accept = ",".join(["de"] * 16 + ["ru"])

    assert language_of(asking(accept=accept)) == "kk"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "остался 1 рабочий день"),
        (3, "осталось 3 рабочих дня"),
        (5, "осталось 5 рабочих дней"),
        (21, "остался 21 рабочий день"),
    ],
)
def test_russian_counts_as_russian_does(count, words):
    shown = catalogue("ru").ngettext(
        "%(count)s working day left", "%(count)s working days left", count
    )

    assert shown % {"count": count} == words


@pytest.mark.parametrize(
    ("language", "day"),
    [("kk", "2026 ж. 22 қараша"), ("ru", "22 ноября 2026 г."), ("en", "November 22, 2026")],
)
def test_a_day_is_written_as_the_language_does(language, day):
    shown = formats(language).day(date(2026, 11, 22))

    assert shown.replace(NB, " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == day


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_an_instant_is_shown_by_the_clocks_of_the_law(language):
    late = datetime(2026, 11, 21, 19, 5, 7, tzinfo=UTC)

    shown = formats(language)

    assert shown.exact(late) == "22.11.2026, 00:05:07"
    assert shown.moment(late) == "22.11.2026, 00:05"
    assert shown.clock(late) == "00:05:07"
    assert shown.short_day(late) == "22.11.2026"


def test_an_instant_before_the_clocks_moved_is_shown_as_it_was():
    before = datetime(2024, 2, 29, 17, 30, tzinfo=UTC)

    assert formats("en").clock(before) == "23:30:00"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 с"),
        (59.6, "1 мин"),
        (61, "1 мин 1 с"),
        (2400, "40 мин"),
        (28800, "8 сағ"),
        (28863, "8 сағ 1 мин"),
    ],
)
def test_a_length_names_its_two_largest_units(seconds, shown):
    assert formats("kk").length(seconds).replace(NB, " ") == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 байт"), (999, "999 байт"), (1500, "1,5 КБ"), (704_103_224, "704,1 МБ")],
)
def test_a_size_is_in_the_largest_unit_that_fits(size, shown):
    assert formats("ru").size(size) == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("kk", "19 662,50 ₸"), ("ru", "19 662,50 ₸"), ("en", "19,662.50 ₸")],
)
def test_money_is_tenge_with_its_sign(language, shown):
    assert formats(language).money(1_966_250).replace(NB, " ") == shown
