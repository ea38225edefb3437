"""Articles of a code, as people and registers write them."""

import pytest

from app.exchange.rules.articles import article_number
from app.exchange.rules.bases import RULE_SETS
from app.exchange.rules.gates import decide
from tests.factories_rules import case_facts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("218", "218"),
        (" 218 ", "218"),
        ("218(2)", "218"),
        ("218 ч. 2 п. 1", "218"),
        ("ст. 218 ч. 2", "218"),
        ("Ст.218", "218"),
        ("статья 218", "218"),
        ("218-бап 2-бөлік", "218"),
        ("218-1", "218-1"),
        ("218-1-бап", "218-1"),
        ("2180", ""),
        ("218-123", ""),
        ("218-1-2", ""),
        ("part 218", ""),
        ("٢١٨", ""),
        ("", ""),
        ("-", ""),
        (" " * 100 + "218", ""),
    ],
)
def test_the_number_of_an_article_is_read_without_part_and_point(text, number):
    assert article_number(text) == number


@pytest.mark.parametrize(
    ("article", "of_case", "code"),
    [
        ("218 ч. 2", ("ст. 218 ч. 1",), None),
        ("218-1", ("218",), "ARTICLE_NOT_LISTED"),
        ("218", ("218-1",), "RECON_ARTICLE"),
        ("218", ("2180", "21 8", "part 218"), "RECON_ARTICLE"),
        ("article", ("article",), "ARTICLE_NOT_LISTED"),
    ],
)
def test_an_article_is_compared_by_its_number(article, of_case, code):
    verdict = decide(case_facts(article=article, recon_articles=of_case), rules=RULE_SETS[0])

    assert (verdict.code and verdict.code.value) == code
