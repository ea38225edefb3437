"""The form of a refusal in words; the words themselves are in ``texts`` and its parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One sentence in the three languages."""

    kk: str
    ru: str
    en: str


@dataclass(frozen=True)
class RefusalText:
    """One refusal in words: the item of the Rules, what happened, and what would cure it."""

    item: str
    kk: str
    ru: str
    en: str
    cure: Words
