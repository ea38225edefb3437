"""Sums in words, in Kazakh and in Russian, as the filed copy of a slip states them."""

from typing import Final

from fines.rules.amounts import TIYN_PER_TENGE

_LIMIT: Final = 10**9  # tenge; a fine of a natural person is four digits of MRP short of it

_KK_ONES: Final = ("", "бір", "екі", "үш", "төрт", "бес", "алты", "жеті", "сегіз", "тоғыз")
_KK_TENS: Final = (
    "", "он", "жиырма", "отыз", "қырық", "елу", "алпыс", "жетпіс", "сексен", "тоқсан",
)  # fmt: skip

_RU_ONES: Final = ("", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять")
_RU_TEENS: Final = (
    "десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать",
    "шестнадцать", "семнадцать", "восемнадцать", "девятнадцать",
)  # fmt: skip
_RU_TENS: Final = (
    "", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят",
    "восемьдесят", "девяносто",
)  # fmt: skip
_RU_HUNDREDS: Final = (
    "", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот",
    "девятьсот",
)  # fmt: skip
_RU_THOUSANDS: Final = ("тысяча", "тысячи", "тысяч")
_RU_MILLIONS: Final = ("миллион", "миллиона", "миллионов")


def amount_words_kk(amount_tiyn: int) -> str:
    """Return the sum in Kazakh words, tiyn in figures: ``он мың сегіз жүз … теңге 50 тиын``."""
    tenge, tiyn = _split(amount_tiyn)
    words: list[str] = []
    for value, unit in ((tenge // 10**6, "миллион"), (tenge // 1000 % 1000, "мың")):
        if value:
            words += [*_kk_below_thousand(value), unit]
    words += _kk_below_thousand(tenge % 1000)
    return " ".join([*(words or ["нөл"]), "теңге", f"{tiyn:02d}", "тиын"])


def amount_words_ru(amount_tiyn: int) -> str:
    """Return the sum in Russian words, tiyn in figures: ``десять тысяч … тенге 50 тиын``."""
    tenge, tiyn = _split(amount_tiyn)
    words: list[str] = []
    if millions := tenge // 10**6:
        words += [*_ru_below_thousand(millions), _ru_form(millions, _RU_MILLIONS)]
    if thousands := tenge // 1000 % 1000:
        feminine = [
            {"один": "одна", "два": "две"}.get(one, one) for one in _ru_below_thousand(thousands)
        ]
        words += [*feminine, _ru_form(thousands, _RU_THOUSANDS)]
    words += _ru_below_thousand(tenge % 1000)
    return " ".join([*(words or ["ноль"]), "тенге", f"{tiyn:02d}", "тиын"])


def _split(amount_tiyn: int) -> tuple[int, int]:
    tenge, tiyn = divmod(amount_tiyn, TIYN_PER_TENGE)
    if not 0 <= tenge < _LIMIT:
        raise ValueError("a sum in words is below a milliard tenge")
    return tenge, tiyn


def _kk_below_thousand(value: int) -> list[str]:
    hundreds, rest = divmod(value, 100)
    words = [_KK_ONES[hundreds], "жүз"] if hundreds else []
    words += [_KK_TENS[rest // 10], _KK_ONES[rest % 10]]
    return [one for one in words if one]


def _ru_below_thousand(value: int) -> list[str]:
    hundreds, rest = divmod(value, 100)
    words = [_RU_HUNDREDS[hundreds]]
    if 10 <= rest < 20:  # noqa: PLR2004 - the teens have words of their own
        words.append(_RU_TEENS[rest - 10])
    else:
        words += [_RU_TENS[rest // 10], _RU_ONES[rest % 10]]
    return [one for one in words if one]


def _ru_form(value: int, forms: tuple[str, str, str]) -> str:
    rest = value % 100
    if 10 < rest < 20:  # noqa: PLR2004 - as above
        return forms[2]
    match rest % 10:
        case 1:
            return forms[0]
        case 2 | 3 | 4:
            return forms[1]
        case _:
            return forms[2]
