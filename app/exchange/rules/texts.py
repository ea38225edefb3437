"""What a refusal says to the officer: the item of the Rules, a sentence, and what would cure it.

Items are those of the Rules approved by Order No. 151 of 22.12.2015, edition of 15.02.2021; the
item of the basis itself stands in the edition (``BasisRule.item``). No sentence tells whether a
person or a vehicle exists.
"""

from app.exchange.rules.codes import RefusalCode
from app.exchange.rules.texts_of_basis import BASIS_TEXTS
from app.exchange.rules.texts_of_caller import CALLER_TEXTS
from app.exchange.rules.texts_of_fields import FIELD_TEXTS
from app.exchange.rules.words import RefusalText, Words

__all__ = ["TEXTS", "RefusalText", "Words"]

TEXTS: dict[RefusalCode, RefusalText] = {**CALLER_TEXTS, **BASIS_TEXTS, **FIELD_TEXTS}
