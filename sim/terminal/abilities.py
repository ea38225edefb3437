"""What the simulated terminal can do beyond a sale: makers differ, a driver must not mind."""

import enum
from dataclasses import dataclass


class Printing(enum.Enum):
    """How the terminal prints slips of its own through the cash register."""

    NOT = "not"
    LINES = "lines"  # 06 D1, each line by itself
    BLOCK = "block"  # 06 D3


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """One maker's terminal."""

    numbers_messages: bool = True  # MsgSeqId, 1F73
    syncs_receipts: bool = False  # rule B, 1F1F: a lost answer is settled by the next sale
    printing: Printing = Printing.NOT
    asks_blocked_list: bool = False  # 06 E4 before the host
    reads_cards: bool = True  # 06 C0
    tells_name: bool = False  # 5F20 with 06 C0
    tells_turnover: bool = True  # 06 10
    echoes_reference: bool = True  # DF53
    bare: bool = False  # over TCP: bare APDUs instead of serial blocks
    tells_proof: bool = True  # EMV's print data, serial and batch number in 04 0F
    gives_par: bool = True  # otherwise its own card item
