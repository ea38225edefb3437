"""Documents that must keep up with the code."""

import ast
import re

import pytest

from app.settings import Settings
from tests.architecture.sources import ROOT, modules, texts

DECISIONS = ROOT / "docs" / "decisions"
DECISION = re.compile(r"[0-9]{4}-[a-z0-9-]+\.md")
COMPOSED = (ast.JoinedStr, ast.BinOp, ast.Call)
HEADINGS = ("## Context", "## Decision", "## Consequences", "## Alternatives", "## Enforced by")
LINES_OF_A_DECISION_MAX = 60
EVENT = re.compile(
    r"`((?:identity|audit|exchange|devices|fines|bodycam|calendar|app|jobs)\.[a-z_]+)`"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def decisions():
    return sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "README.md")


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(name[:4]) for name in decisions()]

    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", decisions())
def test_a_decision_is_on_the_list(name):
    index = texts()["docs/decisions/README.md"]

    assert DECISION.fullmatch(name)
    assert f"({name})" in index


@pytest.mark.parametrize("name", decisions())
def test_a_decision_is_one_page_with_its_five_parts(name):
    text = texts()[f"docs/decisions/{name}"]

    assert [heading for heading in HEADINGS if f"\n{heading}\n" not in text] == []
    assert re.search(r"^- Status: (Accepted|Superseded)", text, re.MULTILINE)
    assert re.search(r"^- Date: ", text, re.MULTILINE)
    assert text.count("\n") <= LINES_OF_A_DECISION_MAX


def default_text(value):
    if value is None:
        return "none"
    return str(getattr(value, "value", value))


def documented_settings():
    ours = texts()["docs/settings.md"].split("## Read by others")[0]
    rows = re.findall(r"^\| `(SAQSHY_[A-Z0-9_]+)` \| [^|]* \| `?([^|`]*)`?[^|]*\|",
                      ours, re.MULTILINE)  # fmt: skip
    return dict(rows)


def test_every_setting_is_documented_and_no_other():
    names = {f"SAQSHY_{name.upper()}" for name in Settings.model_fields}

    assert set(documented_settings()) == names


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_documented_default_is_the_real_one(name):
    default = Settings.model_fields[name].default

    assert documented_settings()[f"SAQSHY_{name.upper()}"].split(" ")[0] == default_text(default)


def test_every_setting_is_read_by_somebody():
    source = "\n".join(text for name, text in texts().items() if name in modules())
    reads = {name: len(re.findall(rf"\.{name}\b", source)) for name in Settings.model_fields}

    assert [name for name, count in reads.items() if count == 0] == []


def values_of(node, names):
    """Return the texts an expression may have, or ``None`` where they cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Name) and node.id in names:
        return [names[node.id]]
    if isinstance(node, ast.IfExp):
        both = values_of(node.body, names), values_of(node.orelse, names)
        return None if None in both else [*both[0], *both[1]]
    return None


def constants(tree):
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def recorded():
    """Yield where an event is given to somebody who records it, and the expression given."""
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and not name.startswith("sim/"):
                for keyword in node.keywords:
                    if keyword.arg == "event":
                        yield name, keyword.value


def events_in_code():
    told = [values_of(value, constants(modules()[name])) for name, value in recorded()]
    return {event for events in told for event in events or []}


def documented_events():
    pages = [text for name, text in texts().items() if name == "docs/audit-events.md"]
    rows = [line for page in pages for line in page.splitlines() if line.startswith("|")]
    return {event for row in rows for event in EVENT.findall(row.split("|")[1])}


def test_an_audit_event_is_written_out_so_that_it_can_be_found():
    composed = [
        f"{name}:{value.lineno}" for name, value in recorded() if isinstance(value, COMPOSED)
    ]

    assert composed == []


def test_every_audit_event_is_documented():
    assert events_in_code()
    assert events_in_code() - documented_events() == set()


def test_every_documented_audit_event_is_named_in_the_code():
    source = "\n".join(text for name, text in texts().items() if name in modules())

    assert {event for event in documented_events() if f'"{event}"' not in source} == set()


@pytest.mark.parametrize("name", sorted(name for name in texts() if name.endswith(".md")))
def test_a_link_between_documents_leads_somewhere(name):
    folder = (ROOT / name).parent
    links = [link for link in LINK.findall(texts()[name]) if "://" not in link]

    dead = [link for link in links if "NNNN" not in link and not (folder / link).exists()]

    assert dead == []


def test_every_protocol_of_a_wire_is_described():
    named = {
        page
        for name, text in texts().items()
        if "/wire/" in name
        for page in re.findall(r"docs/protocols/[a-z0-9-]+\.md", text)
    }

    assert named
    assert [page for page in sorted(named) if page not in texts()] == []


def test_the_changelog_names_every_protocol_with_its_version():
    changelog = texts()["CHANGELOG.md"]
    pages = [name for name in texts() if name.startswith("docs/protocols/")]

    assert pages
    assert [page for page in pages if page not in changelog] == []


def test_every_test_named_in_the_table_of_the_axis_protocol_exists():
    page = texts()["docs/protocols/axis.md"].partition("## Rules and their tests")[2]
    tests = "\n".join(text for name, text in texts().items() if name.startswith("tests/"))
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]

    named = [re.findall(r"`(test_[a-z0-9_]+)`", row[2]) for row in rows]

    assert named
    assert all(named)
    assert {one for row in named for one in row if f"def {one}(" not in tests} == set()
