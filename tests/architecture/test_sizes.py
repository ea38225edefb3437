"""A function fits a screen; a file is read in one sitting."""

import ast

from tests.architecture.sources import modules, texts

LINES_OF_A_FILE_MAX = 400
LINES_OF_A_FUNCTION_MAX = 70
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_a_file_is_short_enough_to_read():
    lines = {name: texts()[name].count("\n") for name in modules()}

    # Split by use case, not by kind.
    assert {name: count for name, count in lines.items() if count > LINES_OF_A_FILE_MAX} == {}


def test_a_function_fits_a_screen():
    lines = {
        f"{name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
    }

    assert {name: count for name, count in lines.items() if count > LINES_OF_A_FUNCTION_MAX} == {}
