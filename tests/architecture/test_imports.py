"""What import contracts cannot say: which libraries a leaf may use, and who may read a clock."""

import ast
import sys

import pytest

from tests.architecture.sources import PACKAGES, imports_of, modules

CLOCKS = {"app.clock.utc_now", "time.time", "time.monotonic"}
FIELD_LIBRARIES = {"httpx", "serial", "pydantic", "PIL", "segno", "fontpkg_roboto_mono",
                   "fontpkg_noto_sans", "cryptography", "rich"}  # fmt: skip


def part_of(part):
    ours = [one for one in sorted(modules()) if not one.startswith("sim/")]
    return [one for one in ours if f"/{part}/" in one or one.endswith(f"/{part}.py")]


def library(imported):
    return imported.split(".")[0]


def own_slice(name):
    steps = name.removesuffix(".py").split("/")
    return ".".join(steps[:2] if steps[0] == "app" else steps[:1])


def is_below(imported, package):
    return f"{imported}.".startswith(f"{package}.")


@pytest.mark.parametrize("name", part_of("verify"))
def test_a_verifier_needs_only_rules_and_the_standard_library(name):
    allowed = [f"{own_slice(name)}.rules", f"{own_slice(name)}.errors", "app.errors"]

    foreign = [
        one
        for one in imports_of(modules()[name])
        if library(one) not in sys.stdlib_module_names
        and not any(is_below(one, package) for package in allowed)
    ]

    assert foreign == []


@pytest.mark.parametrize("name", part_of("wire"))
def test_a_protocol_needs_only_pydantic_and_the_standard_library(name):
    own = f"{own_slice(name)}.wire"

    foreign = [
        one
        for one in imports_of(modules()[name])
        if library(one) not in {*sys.stdlib_module_names, "pydantic"} and not is_below(one, own)
    ]

    assert foreign == []


@pytest.mark.parametrize("name", part_of("field"))
def test_a_field_program_needs_only_its_wire_and_few_libraries(name):
    allowed = [f"{own_slice(name)}.wire", f"{own_slice(name)}.field"]

    foreign = [
        one
        for one in imports_of(modules()[name])
        if library(one) not in {*sys.stdlib_module_names, *FIELD_LIBRARIES}
        and not any(is_below(one, package) for package in allowed)
    ]

    assert foreign == []


@pytest.mark.parametrize("name", part_of("rules"))
def test_a_rule_is_told_the_time_and_never_asks(name):
    tree = modules()[name]
    asked = [one for one in imports_of(tree) if one in CLOCKS or library(one) == "random"]
    called = [
        ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today", "uuid4", "uuid1"}
    ]

    assert asked + called == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_name_their_module_in_full(name):
    relative = [one for one in imports_of(modules()[name]) if one.startswith(".")]

    assert relative == []


@pytest.mark.parametrize("name", [one for one in sorted(modules()) if one.startswith("sim/")])
def test_a_simulator_knows_of_ours_only_the_wire(name):
    ours = [one for one in imports_of(modules()[name]) if library(one) in {*PACKAGES} - {"sim"}]

    assert [one for one in ours if ".wire" not in f".{one}"] == []


def commits(tree):
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "begin"}
        and ast.unparse(node.func.value)
        in {"session", "sessions", "self._sessions", "self.session"}
    ]


@pytest.mark.parametrize("name", [one for one in sorted(modules()) if not one.startswith("sim/")])
def test_only_the_platform_commits(name):
    own = commits(modules()[name]) if name != "app/db.py" else []

    assert own == [], "use app.db.transaction"
