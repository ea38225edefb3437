"""What papers and screens say in Kazakh and Russian about a payment that did not complete."""

from typing import Final

from fines.wire.protocol import Reason

REASON_TEXTS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.NONE: ("Себебі көрсетілмеген", "Причина не указана"),
    Reason.THIRD_PARTY_CARD: ("Карта бұзушының атына емес", "Карта принадлежит другому лицу"),
    Reason.OWNERSHIP_UNPROVEN: (
        "Картаның иесі расталмады",
        "Принадлежность карты не подтверждена",
    ),
    Reason.INSUFFICIENT_FUNDS: ("Картада қаражат жеткіліксіз", "Недостаточно средств на карте"),
    Reason.CARD_EXPIRED: ("Картаның мерзімі өткен", "Срок действия карты истёк"),
    Reason.CARD_UNREADABLE: ("Карта оқылмады", "Карта не прочитана"),
    Reason.ISSUER_DECLINED: ("Банк төлемнен бас тартты", "Банк отказал в оплате"),
    Reason.HOST_UNREACHABLE: ("Банкпен байланыс жоқ", "Нет связи с банком"),
    Reason.NO_PAPER: ("Қағаз таусылды", "Закончилась бумага"),
    Reason.PRINTER_SILENT: ("Принтер жауап бермейді", "Принтер не отвечает"),
    Reason.ABORTED: ("Төлем тоқтатылды", "Оплата прервана"),
    Reason.CARD_TIMEOUT: ("Карта уақытында ұсынылмады", "Карта не предъявлена вовремя"),
    Reason.LINE_SILENT: ("Терминал жауап бермейді", "Терминал не отвечает"),
    Reason.TERMINAL_BUSY: ("Терминал бос емес", "Терминал занят"),
    Reason.SERVER_REFUSED: ("Сервер төлемді қабылдамады", "Сервер не принял оплату"),
    Reason.TERMINAL_FAULT: ("Терминалдың ақауы", "Неисправность терминала"),
    Reason.OWNERSHIP_NO_ANSWER: (
        "Карта иесін тексеру жауап бермеді",
        "Проверка владельца карты не ответила",
    ),
    Reason.CARD_CHANGED: (
        "Тексерілгеннен басқа карта ұсынылды",
        "Предъявлена не та карта, что проверена",
    ),
    Reason.AMOUNT_UNSUPPORTED: (
        "Терминал тек бүтін теңгені қабылдайды",
        "Терминал принимает только целые тенге",
    ),
}
ENTRY_TEXTS: Final = {"chip": "чип", "contactless": "NFC", "stripe": "магнит"}
CHECK_TEXTS: Final = {"online_pin": "PIN", "offline_pin": "PIN", "signature": "қолы/подпись"}
