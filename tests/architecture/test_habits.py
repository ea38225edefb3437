"""Exceptions give their reason; tests show the real thing."""

import ast
import re

from tests.architecture.sources import imports_of, modules, texts

EXCEPTION = re.compile(r"#\s*(noqa|type: ignore)(.*)")
WITH_REASON = re.compile(r"(: [A-Z0-9, ]+|\[[a-z-]+\])\s*(-|#)\s*\w+")
AVOIDED = {"pytest.skip", "pytest.importorskip", "pytest.xfail", "pytest.mark.skip",
           "pytest.mark.skipif", "pytest.mark.xfail"}  # fmt: skip
WIDE = {"Exception", "BaseException"}


def parsed_tests():
    return {
        name: ast.parse(text)
        for name, text in texts().items()
        if name.startswith("tests/") and name.endswith(".py")
    }


# A real S3 server comes by packages of the system, which only root installs; see deploy/bootstrap.
# A program of somebody else that cannot be installed everywhere: Ceph, and the dissector.
MAY_LEAVE_OUT = {"tests/api/conftest.py", "tests/unit/fines/test_foreign_dissector.py"}


def explained(lines, number):
    above = lines[number - 1].strip() if number else ""
    found = EXCEPTION.search(lines[number])
    return bool(WITH_REASON.match(found.group(2))) or above.startswith("#")


def test_an_exception_from_a_check_gives_its_reason():
    bare = []
    for name in modules():
        lines = texts()[name].splitlines()
        exceptions = [number for number, line in enumerate(lines) if EXCEPTION.search(line)]
        bare += [f"{name}:{number + 1}" for number in exceptions if not explained(lines, number)]

    assert bare == []


def test_a_test_is_never_left_out():
    left_out = [
        f"{name}:{node.lineno}"
        for name, tree in parsed_tests().items()
        if name not in MAY_LEAVE_OUT
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in AVOIDED
    ]

    assert left_out == []


def test_a_test_meets_real_things_and_no_mocks():
    mocks = [
        f"{name} imports {one}"
        for name, tree in parsed_tests().items()
        for one in imports_of(tree)
        if one.split(".")[0] == "mock" or one.startswith("unittest.mock")
    ]

    assert mocks == []


def test_nothing_is_patched_by_its_dotted_path():
    patched = [
        f"{name}:{node.lineno}"
        for name, tree in parsed_tests().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "monkeypatch.setattr"
        and isinstance(node.args[0], ast.Constant)
    ]

    assert patched == []


def is_silent(node):
    return (
        isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in WIDE)
        and all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
    )


def test_an_error_is_never_swallowed_in_silence():
    silent = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if is_silent(node)
    ]

    assert silent == []


def test_a_docstring_says_something():
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    empty = [
        f"{name}: {getattr(node, 'name', 'module')}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, described)
        and (ast.get_docstring(node) or "a promise kept").strip(". ") == ""
    ]

    assert empty == []
