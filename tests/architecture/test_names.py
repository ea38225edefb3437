"""Names say what a thing is; the layout is closed."""

import ast
import importlib
import re
from types import ModuleType

import pytest

from tests.architecture.sources import PACKAGES, ROOT, files, modules, name_of

TOP_LEVEL = ("app", "devices", "fines", "bodycam", "sim", "alembic", "tests", "docs")
BESIDE = {"deploy", "benchmarks", "tools", ".ci"}
EMPTY_WORDS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "data",
    "misc",
    "common",
}
MIGRATION = re.compile(r"[0-9]{4}_[0-9]{2}_[0-9]{2}_[0-9]{4}_[a-z0-9_]+\.py")


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_the_fixed_folder_is_there(name):
    folder = ROOT / name

    assert folder.is_dir()


def test_no_other_folder_stands_at_the_top():
    found = {name_of(path).split("/")[0] for path in files() if "/" in name_of(path)}

    assert found <= {*TOP_LEVEL, *BESIDE}


def test_the_migrations_folder_does_not_hide_the_library():
    hiding = ROOT / "alembic" / "__init__.py"

    assert not hiding.exists()


def test_a_migration_carries_its_date_and_place():
    names = [path.name for path in (ROOT / "alembic" / "versions").glob("*.py")]

    assert names
    assert [name for name in names if not MIGRATION.fullmatch(name)] == []


def test_no_file_has_a_name_without_meaning():
    ours = [path for path in files() if name_of(path).split("/")[0] in {*PACKAGES, "tests"}]

    empty = [
        name_of(path)
        for path in ours
        if EMPTY_WORDS & {*re.split(r"[_.]", path.name), *path.parent.name.split("_")}
    ]

    assert empty == []


def test_no_class_is_named_a_manager_or_a_helper():
    names = [
        f"{name}: {node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]

    assert [one for one in names if re.search(r"(Manager|Helper|Utils?)$", one)] == []


@pytest.mark.parametrize("name", ["bodycam.service", "devices.service"])
def test_no_module_hides_the_use_case_that_its_slice_brings_when_asked(name):
    # An imported module becomes a name of its package, and is found there before the use case.
    brought = importlib.import_module(f"{name}.uses").__all__
    service = importlib.import_module(name)

    hidden = [one for one in brought if isinstance(getattr(service, one), ModuleType)]
    assert hidden == []
