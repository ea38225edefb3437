"""Is the name on a chip the payer's? A fallback where the issuer cannot compare the IIN.

Cards carry Latin letters, the registers Cyrillic ones, Kazakh among them, and no country has kept
to one transliteration. So each letter stands for a set of spellings, and a name on a card is the
payer's if it is *one* of the spellings of surname and given name, both in full. Whatever is only
alike is not enough: a part, an initial or a word too many is a refusal.
"""

import enum
import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from fines.wire.protocol import PayerName

CHECKER: Final = "names 1"  # goes into the books with each verdict; count up with every change
WORDS_MAX: Final = 8


class NameVerdict(enum.Enum):
    """What comparing two names has shown; the names themselves are let go."""

    MATCH = "match"
    PARTIAL = "partial"  # the surname is there, the rest is not in full or there is more
    NO_MATCH = "no_match"
    ABSENT = "absent"  # the card names nobody


def _sets(table: str) -> dict[str, tuple[str, ...]]:
    """Read ``letters=spelling,spelling`` pairs; ``-`` is the empty spelling."""
    pairs = (entry.split("=") for entry in table.split())
    return {
        letters: tuple("" if one == "-" else one for one in spellings.split(","))
        for letters, spellings in pairs
    }


# Cyrillic: passports of Kazakhstan (two editions), ICAO Doc 9303, GOST, and what banks emboss.
_LETTERS: Final = _sets(
    "А=A Ә=A,AE,E Б=B В=V,W Г=G Ғ=G,GH Д=D Е=E,YE,IE,JE Ё=E,YO,IO,JO Ж=ZH,J,DZH З=Z И=I,Y "
    "Й=Y,I,J І=I,Y К=K Қ=K,Q,KH Л=L М=M Н=N Ң=N,NG О=O Ө=O,OE П=P Р=R С=S,SS Т=T У=U,W,OU "
    "Ұ=U Ү=U,UE Ф=F Х=KH,H Һ=H,KH Ц=TS,C,TZ Ч=CH,TCH Ш=SH,SCH Щ=SHCH,SCH,SH Ъ=-,IE Ы=Y,I Ь=- "
    "Э=E Ю=YU,IU,JU Я=YA,IA,JA Ў=O,U Ҳ=H,KH Є=YE,IE,E Ї=YI,I Ґ=G Ѓ=G Ј=J,Y"
)
_PAIRS: Final = _sets(
    "КС=X,KS ДЖ=J,DJ,DZH ИЯ=IA,IYA,IJA,YA ИЙ=Y,I,IY,IJ ЫЙ=Y,I,YI,YY ЬЯ=IA,YA,IYA ЬЕ=IE,YE,E "
    "ИЕ=IE,IYE,YE ЬЮ=IU,YU ИЮ=IU,IYU"
)
# Latin letters of other countries, as their own passports and cards write them without marks.
_FOREIGN: Final = _sets(
    "Ä=A,AE Ö=O,OE Ü=U,UE ß=SS ẞ=SS Å=A,AA Ø=O,OE Æ=AE,A Œ=OE Ł=L Đ=D,DJ Ð=D Þ=TH İ=I Ş=S,SH "
    "Ç=C,CH Ğ=G,GH Ə=A,E Č=C,CH Š=S,SH Ž=Z,ZH Ć=C Ñ=N,NN Ț=T,TS Ș=S,SH"
)
_TITLES: Final = frozenset({"MR", "MRS", "MS", "MISS", "DR"})
_NOBODY: Final = frozenset({
    "CARD", "CARDHOLDER", "CLIENT", "CUSTOMER", "DEBIT", "GIFT", "GOLD", "HOLDER", "INSTANT",
    "ISSUE", "KARTA", "MASTERCARD", "MOMENTUM", "PAYMENT", "PLATINUM", "PREPAID", "VALUED", "VISA",
})  # fmt: skip
_BREAKS: Final = str.maketrans(dict.fromkeys("/.,-–_", " ") | dict.fromkeys("'’`ʼ\"", ""))


def compare_names(on_card: str, payer: PayerName) -> NameVerdict:
    """Return whether the name on a card is the payer's, surname and given name in full."""
    words = [one for one in _words(on_card) if one not in _TITLES]
    if not words or len(words) > WORDS_MAX or _NOBODY.issuperset(words):
        return NameVerdict.ABSENT
    surnames = list(_places(payer.surname, words))
    if not surnames:
        return NameVerdict.NO_MATCH
    for surname, given in itertools.product(surnames, _places(payer.given_name, words)):
        taken = set(surname) | set(given)
        if len(taken) < len(surname) + len(given):
            continue  # one word cannot be both
        rest = [word for place, word in enumerate(words) if place not in taken]
        if not rest or _is_patronymic(rest, payer.patronymic):
            return NameVerdict.MATCH
    return NameVerdict.PARTIAL


def _words(name: str) -> list[str]:
    """Return the Latin words of a card's name, without marks."""
    plain = unicodedata.normalize("NFKD", name.upper().translate(_BREAKS))
    return "".join(one for one in plain if not unicodedata.combining(one)).split()


def _places(part: str, words: Sequence[str]) -> Iterator[range]:
    """Yield where a part of the name stands on the card: as one word, or split like no other."""
    letters = _letters(part)
    if not letters:
        return
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if _spells(letters, "".join(words[start:end])):
                yield range(start, end)


def _is_patronymic(rest: Sequence[str], patronymic: str) -> bool:
    letters = _letters(patronymic)
    if not letters:
        return False
    joined = "".join(rest)
    initial = len(joined) == 1 and any(one.startswith(joined) for one in letters[0])
    return initial or _spells(letters, joined)


def _letters(part: str) -> list[tuple[str, ...]]:
    """Return, letter by letter, how a part of a name may be spelled on a card."""
    text = unicodedata.normalize("NFC", part).upper().translate(_BREAKS).replace(" ", "")
    spellings: list[tuple[str, ...]] = []
    at = 0
    while at < len(text):
        pair = text[at : at + 2]
        if pair in _PAIRS:
            apart = itertools.product(_LETTERS[pair[0]], _LETTERS[pair[1]])
            spellings.append((*_PAIRS[pair], *(one + two for one, two in apart)))
            at += 2
            continue
        spellings.append(_of_letter(text[at]))
        at += 1
    return spellings


def _of_letter(letter: str) -> tuple[str, ...]:
    known = _LETTERS.get(letter) or _FOREIGN.get(letter)
    if known is not None:
        return known
    plain = unicodedata.normalize("NFKD", letter)
    return ("".join(one for one in plain if not unicodedata.combining(one)),)


def _spells(letters: Sequence[tuple[str, ...]], word: str) -> bool:
    """Return whether ``word`` is one of the spellings. Walks all of them at once, never each."""
    places = {0}
    for spellings in letters:
        places = {
            place + len(one) for place in places for one in spellings if word.startswith(one, place)
        }
        if not places:
            return False
    return len(word) in places
