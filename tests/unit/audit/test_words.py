from uuid import UUID

import pytest

from app.audit.rules.words import key_of_words, understood, words

KEY = key_of_words(b"k" * 32)
IDS = [UUID(int=number) for number in range(1, 402)]


def test_what_was_said_is_understood():
    said = list(words(KEY, first=5, event_ids=IDS))

    assert [understood(KEY, one) for one in said] == [
        (5, IDS[:200]), (205, IDS[200:400]), (405, IDS[400:])
    ]  # fmt: skip


def test_a_word_fits_what_the_database_carries():
    assert max(len(one) for one in words(KEY, first=10**15, event_ids=IDS)) < 8000


def test_no_events_make_no_word():
    assert list(words(KEY, first=0, event_ids=[])) == []


def test_one_changed_character_anywhere_is_not_believed():
    (word,) = words(KEY, first=3, event_ids=IDS[:2])

    believed = [
        at
        for at, sign in enumerate(word)
        if understood(KEY, word[:at] + ("1" if sign != "1" else "2") + word[at + 1 :]) is not None
    ]

    assert believed == []


@pytest.mark.parametrize("word", ["", " ", "0 ", "жол", "0" * 32, "0" * 32 + "1 abc", "0" * 8000])
def test_garbage_is_not_believed(word):
    assert understood(KEY, word) is None


def test_another_log_has_another_key():
    (word,) = words(key_of_words(b"m" * 32), first=3, event_ids=IDS[:2])

    assert understood(KEY, word) is None
