"""Refusals that concern the caller: session, device, user, agreement, role, limits, draw."""

from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.words import RefusalText, Words

_SIGN_IN = Words(
    "ЭЦҚ арқылы қайта кіріңіз.",
    "Войдите по ЭЦП заново.",
    "Sign in with your electronic signature again.",
)
_YOUR_DEVICE = Words(
    "Құрылғыларды сақтаушы сізге берген планшетті пайдаланыңыз.",
    "Используйте планшет, выданный вам хранителем устройств.",
    "Use the tablet that the device keeper issued to you.",
)
_KEEPER = Words(
    "Құрылғыларды сақтаушыға хабарласыңыз.",
    "Обратитесь к хранителю устройств.",
    "Ask the device keeper.",
)
_OPERATOR = Words(
    "Қол жеткізуге өтінім беріңіз немесе жүйе операторына хабарласыңыз.",
    "Подайте заявку на доступ или обратитесь к оператору системы.",
    "File a request for access or ask the exchange operator.",
)
_OFFICIAL = Words(
    "Бөлімшеңіздің жауапты лауазымды адамына хабарласыңыз.",
    "Обратитесь к ответственному должностному лицу подразделения.",
    "Ask the responsible official of your unit.",
)
_AGREEMENT = Words(
    "Пайдаланушы келісіміне ЭЦҚ арқылы қол қойыңыз.",
    "Подпишите соглашение пользователя по ЭЦП.",
    "Sign the user agreement with your electronic signature.",
)
_WAIT = Words(
    "Күтіңіз немесе жауапты лауазымды адамға хабарласыңыз.",
    "Подождите или обратитесь к ответственному лицу.",
    "Wait, or ask the responsible official.",
)
_LATER = Words(
    "Сәлден соң қайталаңыз; қайталанса, әкімшіге хабарлаңыз.",
    "Повторите позже; если повторится, сообщите администратору.",
    "Try again later; if it happens again, tell the administrator.",
)
_EXTENDED = Words(
    "Кеңейтілген негіздемені жазып, сұрау салуды жалғастырыңыз.",
    "Напишите расширенное обоснование и продолжите запрос.",
    "Write the extended justification and go on with the request.",
)

CALLER_TEXTS: dict[RefusalCode, RefusalText] = {
    RefusalCode.AUTH_NO_SESSION: RefusalText(
        "18",
        "Сұрау салу үшін ЭЦҚ арқылы кіру қажет.",
        "Для запроса нужен вход по ЭЦП.",
        "A request needs a sign-in by electronic signature.",
        _SIGN_IN,
    ),
    RefusalCode.AUTH_UNKNOWN: RefusalText(
        "18",
        "Сеансты тексеру мүмкін болмады.",
        "Сеанс не удалось проверить.",
        "The session could not be checked.",
        _SIGN_IN,
    ),
    RefusalCode.NO_PERSON: RefusalText(
        "8",
        "Жүйе жіберген сұрау салуда оны жасаған адам көрсетілмеген.",
        "За запросом системы не стоит человек, который его подтвердил.",
        "No person stands behind the call of this system.",
        Words(
            "Сұрау салуды жасаған адамның ЭЦҚ дәлелін қосыңыз.",
            "Приложите подтверждение по ЭЦП того, кто делает запрос.",
            "Add the proof by electronic signature of the person who asks.",
        ),
    ),
    RefusalCode.DEVICE_ABSENT: RefusalText(
        "7",
        "Сұрау салу тек есепте тұрған планшеттен жіберіледі.",
        "Запрос возможен только с учтённого планшета.",
        "A request can be made only from an enrolled tablet.",
        _YOUR_DEVICE,
    ),
    RefusalCode.DEVICE_KIND: RefusalText(
        "7",
        "Бұл құрылғыдан сұрау салуға болмайды.",
        "С устройства этого вида запрос невозможен.",
        "A request cannot be made from this kind of device.",
        _YOUR_DEVICE,
    ),
    RefusalCode.DEVICE_UNIT: RefusalText(
        "2",
        "Құрылғы басқа бөлімшеге тиесілі.",
        "Устройство принадлежит другому подразделению.",
        "The device belongs to another unit.",
        _YOUR_DEVICE,
    ),
    RefusalCode.DEVICE_NOT_YOURS: RefusalText(
        "7",
        "Құрылғы басқа қызметкерге берілген.",
        "Устройство выдано другому сотруднику.",
        "The device is issued to another officer.",
        _YOUR_DEVICE,
    ),
    RefusalCode.DEVICE_OUT_OF_SERVICE: RefusalText(
        "7",
        "Құрылғы пайдаланудан шығарылған.",
        "Устройство выведено из эксплуатации.",
        "The device is out of service.",
        _KEEPER,
    ),
    RefusalCode.DEVICE_UNKNOWN: RefusalText(
        "7",
        "Құрылғының күйін тексеру мүмкін болмады.",
        "Состояние устройства не удалось проверить.",
        "The state of the device could not be checked.",
        _KEEPER,
    ),
    RefusalCode.USER_NO_POST: RefusalText(
        "15",
        "Сіздің лауазымыңыз бойынша қолжетімділік тоқтатылған.",
        "Доступ по вашей должности прекращён.",
        "Access by your post has ended.",
        _OFFICIAL,
    ),
    RefusalCode.USER_NOT_REGISTERED: RefusalText(
        "13",
        "Сіз жүйеде тіркелмегенсіз.",
        "Вы не зарегистрированы в системе.",
        "You are not registered with the exchange.",
        _OPERATOR,
    ),
    RefusalCode.USER_SUSPENDED: RefusalText(
        "15",
        "Ауысқаннан кейін жаңа өтінім беру мерзімі өтті, қолжетімділік тоқтатыла тұрды.",
        "Срок новой заявки после перевода прошёл, доступ приостановлен.",
        "The day to ask anew after a transfer has passed; access is suspended.",
        _OPERATOR,
    ),
    RefusalCode.USER_BLOCKED: RefusalText(
        "14",
        "Сіздің қолжетімділігіңіз бұғатталған.",
        "Ваш доступ заблокирован.",
        "Your access is blocked.",
        _OFFICIAL,
    ),
    RefusalCode.USER_UNKNOWN: RefusalText(
        "14",
        "Сіздің қолжетімділігіңізді тексеру мүмкін болмады.",
        "Ваш доступ не удалось проверить.",
        "Your access could not be checked.",
        _LATER,
    ),
    RefusalCode.AGREEMENT_MISSING: RefusalText(
        "17",
        "Пайдаланушы келісіміне қол қойылмаған.",
        "Соглашение пользователя не подписано.",
        "The user agreement is not signed.",
        _AGREEMENT,
    ),
    RefusalCode.AGREEMENT_OLD: RefusalText(
        "17",
        "Келісімнің бұрынғы нұсқасына ғана қол қойылған.",
        "Подписана прежняя версия соглашения.",
        "Only a former version of the agreement is signed.",
        _AGREEMENT,
    ),
    RefusalCode.AGREEMENT_UNKNOWN: RefusalText(
        "17",
        "Келісімге қол қойылғанын тексеру мүмкін болмады.",
        "Подписание соглашения не удалось проверить.",
        "Whether the agreement is signed could not be checked.",
        _LATER,
    ),
    RefusalCode.ROLE_NO_RIGHT: RefusalText(
        "2",
        "Сіздің рөліңіздің бұл сервиске құқығы жоқ.",
        "У вашей роли нет права на этот сервис.",
        "Your role has no right to this service.",
        _OPERATOR,
    ),
    RefusalCode.ROLE_NO_SERVICE: RefusalText(
        "2",
        "Бұл сервис сізге өтініміңіз бойынша берілмеген.",
        "Этот сервис не предоставлен вам по вашей заявке на доступ.",
        "Your request for access was not granted this service.",
        _OPERATOR,
    ),
    RefusalCode.ROLE_UNKNOWN: RefusalText(
        "2",
        "Сізге берілген сервистерді тексеру мүмкін болмады.",
        "Предоставленные вам сервисы не удалось проверить.",
        "The services granted to you could not be checked.",
        _LATER,
    ),
    RefusalCode.LIMIT_HOUR: RefusalText(
        "6",
        "Бір сағаттағы сұрау салу шегіне жеттіңіз.",
        "Достигнут предел запросов за час.",
        "The limit of requests in an hour is reached.",
        _WAIT,
    ),
    RefusalCode.LIMIT_DAY: RefusalText(
        "6",
        "Бір тәуліктегі сұрау салу шегіне жеттіңіз.",
        "Достигнут предел запросов за сутки.",
        "The limit of requests in a day is reached.",
        _WAIT,
    ),
    RefusalCode.LIMIT_PRIMARY: RefusalText(
        "20",
        "Жаңа негізсіз бір нысанды қайта тексеру шегіне жеттіңіз.",
        "Достигнут предел повторных проверок одного объекта без нового основания.",
        "The limit of repeated checks of one subject without a new basis is reached.",
        Words(
            "Жеке негіз бойынша сұрау салыңыз.",
            "Запросите по отдельному основанию.",
            "Ask under a basis of its own.",
        ),
    ),
    RefusalCode.LIMIT_UNKNOWN: RefusalText(
        "6",
        "Сұрау салу санын тексеру мүмкін болмады.",
        "Число ваших запросов не удалось проверить.",
        "The number of your requests could not be checked.",
        _LATER,
    ),
    RefusalCode.SAMPLE_JUSTIFICATION: RefusalText(
        "6",
        "Бұл сұрау салу іріктеуге түсті: кеңейтілген негіздеме қажет.",
        "Запрос попал в выборку: нужно расширенное обоснование.",
        "The draw fell on this request: it needs an extended justification.",
        _EXTENDED,
    ),
    RefusalCode.SAMPLE_JUSTIFICATION_FORM: RefusalText(
        "6",
        "Кеңейтілген негіздеме тым қысқа немесе тым ұзын.",
        "Расширенное обоснование слишком короткое или слишком длинное.",
        "The extended justification is too short or too long.",
        _EXTENDED,
    ),
    RefusalCode.SAMPLE_UNKNOWN: RefusalText(
        "6",
        "Іріктеуді жүргізу мүмкін болмады.",
        "Выборку не удалось провести.",
        "The draw could not be held.",
        _LATER,
    ),
}
