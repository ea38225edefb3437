"""The article of a code as people and registers write it."""

import re
from typing import Final

_ARTICLE: Final = re.compile(
    r"\s*(?:ст\.?|статья|бап)?\s*([0-9]{1,3}(?:-[0-9]{1,2})?)(?![0-9]|-[0-9])", re.IGNORECASE
)
_LENGTH_MAX: Final = 64


def article_number(text: str) -> str:
    """Return the number of the article that ``text`` begins with, or an empty string.

    Part and point are left out: "ст. 218 ч. 2", "218-бап" and "218(2)" are article 218, while
    "218-1" is an article of its own.
    """
    found = _ARTICLE.match(text[:_LENGTH_MAX])
    return "" if found is None else found[1]
