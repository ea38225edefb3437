"""The issue sheet: the same facts give the same characters, and nobody forges a line."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from devices.rules.sheets import SheetFacts, issue_sheet

FACTS = SheetFacts(
    assignment_id=UUID("00000000-0000-4000-8000-000000000001"),
    kind="camera",
    inventory_number="ВЖ-0042",
    serial_number="BWC-77",
    officer_name="ӘБДІРАХМАНОВ Ғалымжан Қуанышұлы",
    officer_title="Инспектор патрульной полиции, лейтенант",
    officer_badge="ALA-1042",
    department_kk="Бірінші батальон",
    department_ru="Первый батальон",
    keeper_name="ҚАСЫМОВА Әйгерім Бөлекқызы",
    at=datetime(2026, 11, 22, 4, 0, 5, tzinfo=UTC),
)
SHEET = """\
ҚҰРЫЛҒЫНЫ БЕРУ ПАРАҒЫ
ЛИСТ ВЫДАЧИ УСТРОЙСТВА
№ 00000000-0000-4000-8000-000000000001

Құрылғы: бейнежетон (тасымалы бейнетіркегіш)
Устройство: видеожетон (носимый видеорегистратор)
Түгендеу нөмірі / Инвентарный номер: ВЖ-0042
Зауыттық нөмірі / Серийный номер: BWC-77

Бөлімше: Бірінші батальон
Подразделение: Первый батальон
Қызметкер / Сотрудник: ӘБДІРАХМАНОВ Ғалымжан Қуанышұлы
Лауазымы / Должность: Инспектор патрульной полиции, лейтенант
Жетон нөмірі / Номер жетона: ALA-1042
Берген / Выдал: ҚАСЫМОВА Әйгерім Бөлекқызы
Уақыты / Время: 22.11.2026 09:00:05 (UTC+05:00)

Құрылғыны жарамды күйде алдым, оны ауысым соңында қайтаруға міндеттенемін.
Устройство в исправном состоянии получил(а), обязуюсь вернуть его по окончании смены.
"""


def test_the_sheet_has_these_characters():
    assert issue_sheet(FACTS) == SHEET


def test_before_march_2024_the_clock_was_another():
    early = replace(FACTS, at=datetime(2024, 2, 29, 17, 0, tzinfo=UTC))

    assert "29.02.2024 23:00:00 (UTC+06:00)" in issue_sheet(early)


def test_letters_put_together_from_two_signs_become_one():
    decomposed = replace(FACTS, officer_name="И\u0306ОСИФ")

    assert "ЙОСИФ" in issue_sheet(decomposed)


@pytest.mark.parametrize("kind", ["tablet", "terminal", "camera"])
def test_every_kind_that_is_issued_has_words_in_both_languages(kind):
    lines = issue_sheet(replace(FACTS, kind=kind)).splitlines()

    assert len(lines) == len(SHEET.splitlines())
    assert lines[4] != lines[5]


def test_a_line_break_in_a_name_forges_no_line():
    forged = replace(FACTS, officer_name="А\nБерген / Выдал: Б\u2028В\rГ")

    assert len(issue_sheet(forged).splitlines()) == len(SHEET.splitlines())
