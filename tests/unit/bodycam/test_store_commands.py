"""The commands on stored objects, as an administrator gives them."""

import asyncio
import json

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from app.cli import cli
from app.settings import Settings
from bodycam.storage import DirectoryStore, make_store, tiers_of
from tests.factories_store import KEY, SIZE, object_keys, sealed

CONTENT = b"seen" * (SIZE // 4) + b"e" * (SIZE % 4)


@pytest.fixture
def folder(tmp_path, clean_environment, monkeypatch):  # noqa: ARG001 - the environment is this one
    monkeypatch.setenv("SAQSHY_VAR_DIR", str(tmp_path))
    object_keys(tmp_path / "keys")
    return tmp_path


def store_in(folder):
    return DirectoryStore(root=folder / "objects", keys=object_keys(folder / "keys"))


def run(*words):
    return CliRunner().invoke(cli, words)


def test_a_key_is_exchanged_and_the_old_one_may_go(folder):
    asyncio.run(sealed(store_in(folder), CONTENT))
    old = object_keys(folder / "keys").current_id.hex()

    rotated, rewrapped = run("objects", "rotate-key"), run("objects", "rewrap")
    (folder / "keys" / f"objects-{old}.key").unlink()

    assert (rotated.exit_code, rewrapped.exit_code) == (0, 0)
    assert rewrapped.output.startswith("1 rewrapped, 0 were")
    found = asyncio.run(store_in(folder).read(key=KEY, start=0, length=SIZE))
    assert found == CONTENT


def test_an_object_that_does_not_open_is_named(folder):
    asyncio.run(sealed(store_in(folder), CONTENT))
    (folder / "keys" / "objects.key").write_bytes(bytes(32))

    answer = run("objects", "rewrap")

    assert answer.exit_code == 1
    assert KEY in answer.output


def test_what_was_stored_before_is_given_an_envelope(folder):
    path = folder / "objects" / "sealed" / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)

    answer = run("objects", "seal")

    assert answer.output.splitlines()[-1] == "1 objects were given an envelope"
    assert not path.exists()


STORES = """{"cold": {"kind": "s3", "endpoint": "http://127.0.0.1:9", "bucket": "b",
 "access_key": "a", "secret_key": "s"}, "vault": {"kind": "directory", "path": "/nowhere"}}"""


@pytest.mark.parametrize(
    ("stores", "rules"),
    [
        ('{"hot": {"kind": "directory", "path": "/x"}}', "[]"),
        ('{"Cold": {"kind": "directory", "path": "/x"}}', "[]"),
        ('{"cold": {"kind": "directory"}}', "[]"),
        ('{"cold": {"kind": "s3", "endpoint": "http://x", "bucket": "b"}}', "[]"),
        ('{"cold": {"kind": "s3", "path": "/x"}}', "[]"),
        (STORES, '[{"valid_from": "2026-01-01", "to": "deep", "after_days": 1}]'),
        (
            STORES,
            '[{"valid_from": "2026-01-01", "to": "cold", "after_days": 1, "categories": ["x"]}]',
        ),
    ],
)
def test_stores_and_rules_that_do_not_fit_stop_the_start(
    clean_environment,  # noqa: ARG001 - the environment is this one
    monkeypatch,
    stores,
    rules,
):
    monkeypatch.setenv("SAQSHY_STORES", stores)
    monkeypatch.setenv("SAQSHY_TIER_RULES", rules)

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert "secret" not in str(refused.value).replace("secret_key", "")


@pytest.fixture
def linked(folder):
    """Return a folder that is another name of the first store's parent."""
    (folder / "linked").symlink_to(folder, target_is_directory=True)
    return folder / "linked"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{folder}/objects", "/elsewhere"),
        ("{folder}/a/../objects/", "/elsewhere"),
        ("{folder}/objects/cold", "/elsewhere"),
        ("{folder}", "/elsewhere"),
        ("{linked}/objects", "/elsewhere"),
        ("/vault", "/vault/cold"),
    ],
)
def test_two_names_of_one_folder_stop_the_start(folder, linked, monkeypatch, one, other):
    paths = [text.format(folder=folder, linked=linked) for text in (one, other)]
    stores = {
        name: {"kind": "directory", "path": path}
        for name, path in zip(("cold", "vault"), paths, strict=True)
    }
    monkeypatch.setenv("SAQSHY_STORES", json.dumps(stores))

    with pytest.raises(ValidationError, match="lie in one place"):
        Settings()


@pytest.mark.parametrize(
    ("endpoint", "other"),
    [
        ("http://s3.example", "http://s3.example"),
        ("http://s3.example/", "http://S3.example:80"),
        ("https://s3.example:443", "https://s3.example"),
    ],
)
def test_two_names_of_one_bucket_stop_the_start(
    clean_environment,  # noqa: ARG001 - the environment is this one
    monkeypatch,
    endpoint,
    other,
):
    bucket = {"kind": "s3", "bucket": "b", "access_key": "a", "secret_key": "s"}
    monkeypatch.setenv("SAQSHY_OBJECT_STORE", "s3")
    monkeypatch.setenv("SAQSHY_S3_ENDPOINT", endpoint)
    monkeypatch.setenv("SAQSHY_S3_BUCKET", "b")
    monkeypatch.setenv("SAQSHY_S3_ACCESS_KEY", "other")
    monkeypatch.setenv("SAQSHY_S3_SECRET_KEY", "other")
    monkeypatch.setenv("SAQSHY_STORES", json.dumps({"cold": bucket | {"endpoint": other}}))

    with pytest.raises(ValidationError, match="lie in one place"):
        Settings()
    monkeypatch.setenv("SAQSHY_S3_BUCKET", "another")
    assert set(Settings().stores) == {"cold"}


def test_folders_that_only_begin_alike_are_two_places(folder, monkeypatch):
    stores = {"cold": {"kind": "directory", "path": f"{folder}/objects-cold"}}
    monkeypatch.setenv("SAQSHY_STORES", json.dumps(stores))

    assert set(Settings().stores) == {"cold"}


def test_stores_are_made_by_their_names(folder, monkeypatch):
    monkeypatch.setenv("SAQSHY_STORES", STORES)
    monkeypatch.setenv(
        "SAQSHY_TIER_RULES", '[{"valid_from": "2026-01-01", "to": "cold", "after_days": 1}]'
    )

    store = make_store(Settings(), keys=object_keys(folder / "keys"))

    kinds = {name: type(one).__name__ for name, one in tiers_of(store).items()}
    assert kinds == {"hot": "DirectoryStore", "cold": "S3Store", "vault": "DirectoryStore"}
