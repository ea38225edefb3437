"""``docs/exchange-rules.md`` says what the code does: its tables are compared line by line."""

from pathlib import Path

import pytest

from app.exchange.rules.bases import RULE_SETS, UNREAD_EDITIONS
from app.exchange.rules.codes import RefusalCode, outcome_of
from app.exchange.rules.documents import DOCUMENT_TEXTS, DocumentFault
from app.exchange.rules.flags import Flag
from app.exchange.rules.number_formats import CASE_NUMBER_FORMATS
from app.exchange.rules.retention import RETENTION_RULES
from app.exchange.rules.texts import TEXTS

PAGE = (Path(__file__).parents[3] / "docs" / "exchange-rules.md").read_text(encoding="utf-8")
LINES = set(PAGE.splitlines())
RULES = RULE_SETS[0]
GATE_OF = {
    "NO_PERSON": "AUTH",
    "BASIS_CLOSED": "LIST",
    "CHANNEL_ONLY_EAIAS": "LIST",
    "NEEDS_SECOND_PERSON": "RECON",
    "SECOND_PERSON_REFUSED": "RECON",
    "SECOND_PERSON_SELF": "RECON",
    "SECOND_PERSON_UNKNOWN": "RECON",
}


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def listed(values):
    return ", ".join(sorted(values)) or "—"


def basis_row(name):
    rule = RULES.bases[name]
    confirmed = rule.register.value if rule.register else "—"
    if rule.second_person:
        confirmed = "a second person"
    return row(
        f"`{name}`",
        rule.item,
        listed(field.value for field in rule.mandatory),
        listed(field.value for field in rule.optional),
        confirmed,
        listed(rule.roles),
        "closed" if rule.closed and not rule.opened_by_law else "open",
    )


def code_row(code):
    gate = GATE_OF.get(code.value, code.value.split("_")[0])
    text = TEXTS[code]
    return row(f"`{code.value}`", gate, text.item, outcome_of(code).value, text.en, text.cure.en)


def service_row(name):
    opened = RULES.services[name]
    return row(f"`{name}`", listed(opened), listed(RULES.sanctioned.get(name, ())))


def format_row(one):
    return row(one.register.value, one.valid_from.isoformat(), f"`{one.regex}`")


@pytest.mark.parametrize("name", list(RULES.bases))
def test_every_basis_stands_on_the_page_as_it_is(name):
    assert basis_row(name) in LINES
    assert service_row(name) in LINES


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_stands_on_the_page_as_it_is(code):
    assert code_row(code) in LINES


@pytest.mark.parametrize("fault", list(DocumentFault))
def test_every_refusal_of_a_document_stands_on_the_page_as_it_is(fault):
    text = DOCUMENT_TEXTS[fault]
    told = row(text.item, text.en, text.cure.en).removeprefix("|")

    assert any(line.startswith(f"| {fault.value} |") and line.endswith(told) for line in LINES)


def test_the_page_names_no_refusal_that_is_none():
    on_page = {line.split("`")[1] for line in LINES if line.startswith("| `") and " | " in line}

    assert on_page - set(RULES.bases) - {flag.value for flag in Flag} == {
        code.value for code in RefusalCode
    }


def test_flags_formats_terms_and_editions_stand_on_the_page():
    assert all(any(line.startswith(f"| `{flag.value}` | ") for line in LINES) for flag in Flag)
    assert all(format_row(one) in LINES for one in CASE_NUMBER_FORMATS)
    for edition in (*RULE_SETS, *UNREAD_EDITIONS, *RETENTION_RULES):
        assert f"`{edition.id}`" in PAGE
    for content, years in RETENTION_RULES[0].years.items():
        assert row(content.value, str(years)) in LINES
