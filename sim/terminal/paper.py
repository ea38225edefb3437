"""Slips that the simulated terminal prints of its own, through the cash register."""

from fines.wire import zvt_print
from fines.wire.zvt import Apdu
from fines.wire.zvt_status import StatusInformation
from sim.terminal.abilities import Printing
from sim.terminal.dialogue import Dialogue

_LAST_LINE = 0x81
_CENTRED = 0x40


def prints_whole(talk: Dialogue, status: StatusInformation, how: Printing) -> bool:
    """Print both slips of a sale; false as soon as the cash register does not answer 80 00."""
    for kind in (zvt_print.KIND_CUSTOMER, zvt_print.KIND_MERCHANT):
        lines = _lines(status, kind)
        if how is Printing.BLOCK:
            answers = [
                talk.tell_raw(
                    lambda number, lines=lines, kind=kind: zvt_print.print_text(  # type: ignore[misc]  # defaults bind the loop's values
                        lines, kind=kind, info=0x01, sequence=number
                    )
                )
            ]
        else:
            attributes = [_CENTRED, *[0] * (len(lines) - 2), _LAST_LINE]
            answers = []
            for line, attribute in zip(lines, attributes, strict=True):
                answers.append(_line(talk, line, attribute))
                if answers[-1] is None or not answers[-1].good:
                    break
        if any(answer is None or not answer.good for answer in answers):
            return False
    return True


def _line(talk: Dialogue, text: str, attribute: int) -> Apdu | None:
    return talk.tell_raw(lambda _number: zvt_print.print_line(text, attribute=attribute))


def _lines(status: StatusInformation, kind: int) -> tuple[str, ...]:
    title = "ЧЕК ПРОДАВЦА" if kind == zvt_print.KIND_MERCHANT else "ЧЕК КЛИЕНТА"
    amount = status.amount_tiyn or 0
    return (
        title,
        f"Терминал {status.terminal_number}",
        f"Карта {status.card_masked}",
        f"Сумма {amount // 100},{amount % 100:02d} KZT",
        f"RRN {status.rrn}",
        "Одобрено · Мақұлданды",
    )
