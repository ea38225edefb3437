"""Every word of the pages is said in Kazakh and in Russian."""

import re

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from app.web.texts import LANGUAGES, LOCALES_DIR

WEB = LOCALES_DIR.parent
PLACEHOLDER = re.compile(r"%\((\w+)\)")
KAZAKH_LETTERS = re.compile("[ӘәІіҢңҒғҮүҰұҚқӨөҺһ]")


def texts_of(message):
    return tuple(message) if isinstance(message, (tuple, list)) else (message,)


def from_modules():
    keywords = {"_": None, "N_": None, "say": None}
    for path in sorted(WEB.rglob("*.py")):
        with path.open("rb") as file:
            for _line, message, _comments, _context in extract("python", file, keywords=keywords):
                yield texts_of(message)


def from_templates():
    options = {"trim_blocks": "1", "lstrip_blocks": "1", "newstyle_gettext": "1"}
    for path in sorted(WEB.glob("templates/*.html")):
        with path.open("rb") as file:
            for _line, function, message, _comments in babel_extract(
                file, ("_", "gettext", "ngettext"), [], options
            ):
                said = [one for one in texts_of(message) if one]
                yield tuple(said if function == "ngettext" else said[:1])


def used():
    return {message for message in (*from_modules(), *from_templates()) if message}


def catalogue(language):
    with (LOCALES_DIR / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def said(language):
    return {texts_of(one.id): one for one in catalogue(language) if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_holds_the_words_of_the_pages_and_no_others(language):
    messages = said(language)

    assert set(messages) == used()


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_nothing_is_left_untranslated(language):
    empty = [key for key, one in said(language).items() if not all(texts_of(one.string))]

    assert empty == []


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_translation_fills_in_what_the_message_fills_in(language):
    wrong = [
        key
        for key, one in said(language).items()
        for text in texts_of(one.string)
        if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(key[0]))
    ]

    assert wrong == []


def test_the_kazakh_catalogue_is_kazakh():
    russian = said("ru")
    long_texts = [one for key, one in said("kk").items() if len(key[0]) > 40]

    without = [
        one.id for one in long_texts if not KAZAKH_LETTERS.search("".join(texts_of(one.string)))
    ]
    copied = [one.id for one in long_texts if one.string == russian[texts_of(one.id)].string]

    assert without == []
    assert copied == []
