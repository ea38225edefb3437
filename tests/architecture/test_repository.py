"""What the tree must never hold: addresses of registries, places of one machine, binaries."""

import re

import pytest

from tests.architecture.sources import ROOT, files, name_of, texts

LOCK = "requirements.lock"
# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"),
        ("yarnpkg", "com"), ("anaconda", "org"), ("docker", "io"), ("ghcr", "io"),
    )
)  # fmt: skip
INDEX_OPTIONS = tuple("-".join(parts) for parts in (("", "", "index", "url"), ("extra", "index")))
PLACES = re.compile("|".join(("/" + "home/[a-z]", "/" + "Users/[A-Za-z]", "/" + "root/[.a-z]")))
BINARY_ENDINGS = {".ttf", ".otf", ".woff2", ".mp4", ".so", ".exe", ".jar", ".whl", ".gz", ".zip"}
BYTES_MAX = 512 * 1024


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"\n(?=\S)", texts()[LOCK].strip())

    without = [
        block.split()[0]
        for block in blocks
        if not block.startswith("#") and "--hash=sha256:" not in block
    ]

    assert blocks
    assert without == []


def test_every_locked_package_has_one_version():
    loose = [
        line
        for line in texts()[LOCK].splitlines()
        if line and not line.startswith((" ", "#")) and "==" not in line
    ]

    assert loose == []


def test_the_lock_holds_no_address():
    assert "://" not in texts()[LOCK]


@pytest.mark.parametrize("host", [*REGISTRY_HOSTS, *INDEX_OPTIONS])
def test_no_file_names_a_package_registry(host):
    naming = [name for name, text in texts().items() if host in text]

    assert naming == []


def test_no_file_names_a_place_on_one_machine():
    naming = [name for name, text in texts().items() if PLACES.search(text) or str(ROOT) in text]

    assert naming == []


def test_no_binary_lies_in_the_tree():
    binaries = [name_of(path) for path in files() if path.suffix.lower() in BINARY_ENDINGS]

    assert binaries == []


def test_no_file_is_larger_than_what_people_read():
    large = [name_of(path) for path in files() if path.stat().st_size > BYTES_MAX]

    assert large == []


def test_no_private_key_lies_in_the_tree():
    marker = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")

    keys = [name for name, text in texts().items() if marker.search(text)]

    assert keys == []


def test_nothing_is_left_to_do():
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    left = [
        name
        for name, text in texts().items()
        if name.endswith((".py", ".md")) and mark.search(text)
    ]

    # These two name the word to say that it is never written.
    assert set(left) <= {"pyproject.toml", "CONTRIBUTING.md"}
