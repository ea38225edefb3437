"""A function fits a screen; a file is read in one sitting."""

import ast

import pytest

from tests.architecture.sources import modules, texts

LINES_OF_A_FILE_MAX = 400
LINES_OF_A_FUNCTION_MAX = 70
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_file_is_short_enough_to_read(name):
    lines = texts()[name].count("\n")

    assert lines <= LINES_OF_A_FILE_MAX, "split it by use case, not by kind"


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_function_fits_a_screen(name):
    functions = [node for node in ast.walk(modules()[name]) if isinstance(node, FUNCTIONS)]

    too_long = [
        (one.name, one.end_lineno - one.lineno + 1)
        for one in functions
        if one.end_lineno - one.lineno + 1 > LINES_OF_A_FUNCTION_MAX
    ]

    assert too_long == []
