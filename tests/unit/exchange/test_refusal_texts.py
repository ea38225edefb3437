"""What refusals say: every code, three languages, an item and a cure; never whom there is."""

import re

import pytest

from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.texts import TEXTS

LANGUAGES = ("kk", "ru", "en")
KAZAKH = set("әғқңөұүһі")
RUSSIAN = set("абвгдежзийклмнопрстуфхцчшщъыьэюя")
# Words that would tell whether somebody stands in a register of data.
TELLING = {
    "kk": ("табылмады", "табылды", "жоқ адам"),
    "ru": ("не найден", "найден", "не существует", "отсутствует в"),
    "en": ("not found", "found", "does not exist", "no such person", "no record"),
}


def sentences(code):
    text = TEXTS[code]
    return {
        "kk": (text.kk, text.cure.kk),
        "ru": (text.ru, text.cure.ru),
        "en": (text.en, text.cure.en),
    }


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_speaks_three_languages_names_its_item_and_its_cure(code):
    assert 1 <= int(TEXTS[code].item) <= 29
    by_language = sentences(code)
    assert len({sentence for pair in by_language.values() for sentence in pair}) == 6
    for sentence in by_language["kk"]:
        assert KAZAKH & set(sentence.lower())
    for sentence in by_language["ru"]:
        assert RUSSIAN & set(sentence.lower())
        assert not KAZAKH & set(sentence.lower())
    for sentence in by_language["en"]:
        assert sentence.isascii()


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_sentence_is_one_and_fits_a_screen(code):
    for pair in sentences(code).values():
        for sentence in pair:
            assert re.fullmatch(r"\S.{5,130}\S\.", sentence), sentence
            assert "  " not in sentence
            assert sentence[0].isupper()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_refusals_say_the_same(language):
    said = [getattr(text, language) for text in TEXTS.values()]

    assert len(said) == len(set(said)) == len(RefusalCode)


@pytest.mark.parametrize("code", list(RefusalCode))
def test_no_sentence_tells_whether_a_person_exists(code):
    for language, pair in sentences(code).items():
        for sentence in pair:
            assert not any(word in sentence.lower() for word in TELLING[language]), sentence
