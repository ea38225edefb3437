"""What is taken for the document of an international order, by its first and last bytes."""

import re

import pytest

from app.exchange.rules.documents import DOCUMENT_TEXTS, DocumentFault, fault_of

WHOLE = b"%PDF-1.4\n" + b"x" * 5000 + b"\n%%EOF\n"


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        WHOLE.replace(b"1.4", b"2.0"),
        b"%PDF-1.7\n%%EOF",
        WHOLE + b"\x00" * 1000,  # what some scanners add
    ],
)
def test_a_whole_pdf_is_taken(content):
    assert fault_of(content) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not_pdf"),
        (b"%PDF-", "not_pdf"),
        (b"%PDF-3.0\n%%EOF", "not_pdf"),
        (b"%pdf-1.4\n%%EOF", "not_pdf"),
        (b" " + WHOLE, "not_pdf"),
        (b"\xef\xbb\xbf" + WHOLE, "not_pdf"),
        (b"MZ" + WHOLE, "not_pdf"),
        (b"PK\x03\x04" + WHOLE, "not_pdf"),
        (b"<html><script>" + WHOLE, "not_pdf"),
        (WHOLE[:-3], "cut_short"),
        (WHOLE[:100], "cut_short"),
        (WHOLE + b"\x00" * 1024, "cut_short"),
    ],
)
def test_anything_else_is_refused_by_its_own_fault(content, fault):
    assert fault_of(content) is DocumentFault(fault)


@pytest.mark.parametrize("fault", list(DocumentFault))
def test_every_fault_is_told_in_three_languages(fault):
    text = DOCUMENT_TEXTS[fault]

    said = [text.kk, text.ru, text.en, text.cure.kk, text.cure.ru, text.cure.en]
    assert text.item == "22"
    assert all(one.endswith(".") for one in said)
    assert all(re.search("[ӘәІіҢңҒғҮүҰұҚқӨөҺһ]", one) for one in (text.kk, text.cure.kk))
