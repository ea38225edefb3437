"""What the tests of the house rules look at: the tree as it is, and its Python parsed."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("app", "devices", "fines", "bodycam", "sim")

# What tools leave behind; the same names stand in .gitignore.
_LEFT_BY_TOOLS = frozenset(
    {
        ".git", ".venv", "var", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache",
        ".hypothesis", ".import_linter_cache", "node_modules",
    }
)  # fmt: skip


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_BY_TOOLS or path.name.startswith(".coverage"):
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project."""
    return tuple(_below(ROOT))


@functools.cache
def texts() -> dict[str, str]:
    """Every file that is text, by its path from the top."""
    found = {}
    for path in files():
        try:
            found[name_of(path)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def name_of(path: Path) -> str:
    """Return the path from the top, with slashes."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def modules() -> dict[str, ast.Module]:
    """The Python of the packages, parsed, by its path from the top."""
    return {
        name: ast.parse(text, filename=name)
        for name, text in texts().items()
        if name.endswith(".py") and name.split("/")[0] in PACKAGES
    }


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            else:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
