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


def foreign_to(part, allowed):
    """Return what the modules of a part import beyond what ``allowed`` admits."""
    return [
        f"{name} imports {one}"
        for name in part_of(part)
        for one in imports_of(modules()[name])
        if library(one) not in sys.stdlib_module_names and not allowed(name, one)
    ]


@pytest.mark.parametrize("part", ["verify", "wire", "field", "rules"])
def test_there_is_something_to_look_at(part):
    assert part_of(part) != []


def test_a_verifier_needs_only_rules_and_the_standard_library():
    def allowed(name, one):
        own = (f"{own_slice(name)}.rules", f"{own_slice(name)}.errors", "app.errors")
        return any(is_below(one, package) for package in own)

    assert foreign_to("verify", allowed) == []


def test_a_protocol_needs_only_pydantic_and_the_standard_library():
    def allowed(name, one):
        return library(one) == "pydantic" or is_below(one, f"{own_slice(name)}.wire")

    assert foreign_to("wire", allowed) == []


def test_a_field_program_needs_only_its_wire_and_few_libraries():
    def allowed(name, one):
        own = (f"{own_slice(name)}.wire", f"{own_slice(name)}.field")
        return library(one) in FIELD_LIBRARIES or any(is_below(one, package) for package in own)

    assert foreign_to("field", allowed) == []


def asks_the_world(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today", "uuid4", "uuid1"}
    )


def test_a_rule_is_told_the_time_and_never_asks():
    imported = [
        f"{name} imports {one}"
        for name in part_of("rules")
        for one in imports_of(modules()[name])
        if one in CLOCKS or library(one) == "random"
    ]
    called = [
        f"{name}:{node.lineno}"
        for name in part_of("rules")
        for node in ast.walk(modules()[name])
        if asks_the_world(node)
    ]

    assert imported + called == []


def test_imports_name_their_module_in_full():
    relative = [
        f"{name} imports {one}"
        for name, tree in modules().items()
        for one in imports_of(tree)
        if one.startswith(".")
    ]

    assert relative == []


def test_a_simulator_knows_of_ours_only_the_wire():
    beyond = [
        f"{name} imports {one}"
        for name, tree in modules().items()
        for one in imports_of(tree)
        if name.startswith("sim/")
        and library(one) in {*PACKAGES} - {"sim"}
        and ".wire." not in f"{one}."
    ]

    assert beyond == []


def commits(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "begin"}
        and ast.unparse(node.func.value).split(".")[-1].strip("_") in {"session", "sessions"}
    )


def test_only_the_platform_commits():
    committing = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if name != "app/db.py" and commits(node)
    ]

    # Use app.db.transaction.
    assert committing == []
