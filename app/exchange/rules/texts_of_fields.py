"""Refusals of gate FIELDS: what is missing, what must be empty, what is written wrongly."""

from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.words import RefusalText, Words

_FILL_IN = Words(
    "Көрсетілген өрісті толтырып, қайта жіберіңіз.",
    "Заполните названное поле и отправьте снова.",
    "Fill in the field named and send the request again.",
)
_EMPTY = Words(
    "Бұл өрісті бос қалдырыңыз немесе басқа негізді таңдаңыз.",
    "Оставьте это поле пустым или выберите другое основание.",
    "Leave the field empty, or choose another basis.",
)
_CORRECT = Words(
    "Құжаттағыдай етіп жазып, қайта жіберіңіз.",
    "Впишите так, как стоит в документе, и отправьте снова.",
    "Write it as it stands in the paper and send the request again.",
)


def _missing(item: str, kk: str, ru: str, en: str) -> RefusalText:
    return RefusalText(
        item, f"{kk} көрсетілмеген.", f"Не указано: {ru}.", f"Not given: {en}.", _FILL_IN
    )


def _extra(item: str, kk: str, ru: str, en: str) -> RefusalText:
    return RefusalText(
        item,
        f"Бұл негізде толтырылмайды: {kk}.",
        f"По этому основанию не заполняется: {ru}.",
        f"Must be empty under this basis: {en}.",
        _EMPTY,
    )


def _misformed(item: str, kk: str, ru: str, en: str) -> RefusalText:
    return RefusalText(
        item, f"Қате жазылған: {kk}.", f"Написано неверно: {ru}.", f"Misformed: {en}.", _CORRECT
    )


_CASE = ("4", "іс нөмірі", "номер дела", "the number of the case")
_ORDER = (
    "22",
    "тапсырманың шығыс нөмірі",
    "исходящий номер поручения",
    "the outgoing number of the order",
)
_INTL = (
    "22",
    "шетелдік тапсырманың шығыс нөмірі",
    "исходящий номер иностранного поручения",
    "the outgoing number of the foreign order",
)
_BODY = (
    "22",
    "тапсырманы жіберген шетелдік орган",
    "иностранный орган, направивший поручение",
    "the foreign body that sent the order",
)
_COVER = (
    "22",
    "ілеспе хаттың шығыс нөмірі",
    "исходящий номер сопроводительного письма",
    "the outgoing number of the covering letter",
)
_YEAR = ("25", "істің есептік жылы", "учётный год дела", "the accounting year of the case")
_COURT = ("25", "шешім қабылдаған сот", "суд, принявший решение", "the court that decided")
_STOP = ("20", "тоқтату негізі", "основание остановки", "the ground of the stop")

FIELD_TEXTS: dict[RefusalCode, RefusalText] = {
    RefusalCode.FIELDS_SUBJECT_KIND: RefusalText(
        "20",
        "Таңдалған негіз бен сервистер бұл нысан туралы сұрауға келмейді.",
        "Выбранные основание и сервисы не относятся к такому объекту.",
        "The basis and the services chosen are not about such a subject.",
        Words(
            "Нысанға сәйкес сервистерді таңдаңыз.",
            "Выберите сервисы, подходящие к объекту.",
            "Choose services that fit the subject.",
        ),
    ),
    RefusalCode.FIELDS_SUBJECT: RefusalText(
        "20",
        "Тексерілетін адам көрсетілмеген немесе ЖСН (БСН) қате.",
        "Не указано проверяемое лицо, или ИИН (БИН) неверен.",
        "The subject to check is not named, or the IIN or BIN is wrong.",
        Words(
            "ЖСН немесе БСН-ді құжаттан қайта оқыңыз.",
            "Прочтите ИИН или БИН с документа ещё раз.",
            "Read the IIN or BIN from the document again.",
        ),
    ),
    RefusalCode.FIELDS_SUBJECT_EXTRA: _extra(
        "20",
        "көлік туралы сауалда адамның ЖСН-і",
        "ИИН при запросе о транспорте",
        "the IIN in a question about a vehicle",
    ),
    RefusalCode.FIELDS_PLATE: RefusalText(
        "20",
        "Мемлекеттік нөмір көрсетілмеген немесе қате жазылған.",
        "Государственный номер не указан или написан неверно.",
        "The number plate is not given, or not written correctly.",
        _CORRECT,
    ),
    RefusalCode.FIELDS_PLATE_EXTRA: _extra(
        "20",
        "бұл нысан үшін мемлекеттік нөмір",
        "государственный номер для такого объекта",
        "the number plate for such a subject",
    ),
    RefusalCode.FIELDS_STOP_GROUND: RefusalText(
        "20",
        "Тоқтату негізін тізімнен таңдаңыз.",
        "Выберите основание остановки из списка.",
        "Choose the ground of the stop from the list.",
        _FILL_IN,
    ),
    RefusalCode.FIELDS_STOP_GROUND_EXTRA: _extra(*_STOP),
    RefusalCode.FIELDS_CASE_NO: _missing(_CASE[0], "Іс нөмірі", *_CASE[2:]),
    RefusalCode.FIELDS_CASE_NO_EXTRA: _extra(*_CASE),
    RefusalCode.FIELDS_CASE_NO_FORM: _misformed(*_CASE),
    RefusalCode.FIELDS_ORDER_NO: _missing(_ORDER[0], "Тапсырманың шығыс нөмірі", *_ORDER[2:]),
    RefusalCode.FIELDS_ORDER_NO_EXTRA: _extra(*_ORDER),
    RefusalCode.FIELDS_ORDER_NO_FORM: _misformed(*_ORDER),
    RefusalCode.FIELDS_INTL_NO: _missing(_INTL[0], "Шетелдік тапсырманың шығыс нөмірі", *_INTL[2:]),
    RefusalCode.FIELDS_INTL_NO_FORM: _misformed(*_INTL),
    RefusalCode.FIELDS_INTL_BODY: _missing(
        _BODY[0], "Тапсырманы жіберген шетелдік орган", *_BODY[2:]
    ),
    RefusalCode.FIELDS_INTL_BODY_EXTRA: _extra(*_BODY),
    RefusalCode.FIELDS_INTL_BODY_FORM: _misformed(*_BODY),
    RefusalCode.FIELDS_COVER_NO: _missing(_COVER[0], "Ілеспе хаттың шығыс нөмірі", *_COVER[2:]),
    RefusalCode.FIELDS_COVER_NO_EXTRA: _extra(*_COVER),
    RefusalCode.FIELDS_COVER_NO_FORM: _misformed(*_COVER),
    RefusalCode.FIELDS_YEAR: _missing(_YEAR[0], "Істің есептік жылы", *_YEAR[2:]),
    RefusalCode.FIELDS_YEAR_EXTRA: _extra(*_YEAR),
    RefusalCode.FIELDS_YEAR_FORM: _misformed(*_YEAR),
    RefusalCode.FIELDS_COURT: _missing(_COURT[0], "Шешім қабылдаған сот", *_COURT[2:]),
    RefusalCode.FIELDS_COURT_EXTRA: _extra(*_COURT),
    RefusalCode.FIELDS_COURT_FORM: _misformed(*_COURT),
    RefusalCode.FIELDS_SANCTION_EXTRA: _extra(
        "20", "сот санкциясы", "санкция суда", "a sanction of the court"
    ),
    RefusalCode.FIELDS_UNKNOWN: RefusalText(
        "4",
        "Сұрау салудың өрістерін тексеру мүмкін болмады.",
        "Поля запроса не удалось проверить.",
        "The fields of the request could not be checked.",
        _FILL_IN,
    ),
}
