"""The real server for tests that need it whole, and the browser tests where there is a browser."""

import shutil

import pytest

from app.web.assets import player_url
from sim.authority import Authority
from sim.district import STAFF
from sim.player import find_browser
from sim.stage import Ports, Stage
from tests.factories_stage import Street


def pytest_collection_modifyitems(config, items):
    marked = [item for item in items if item.get_closest_marker("browser")]
    if marked and find_browser() is None:
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=marked)
    if player_url() is None:  # no npm here: the browser's own HLS is all there is
        fed = [item for item in items if item.get_closest_marker("player")]
        items[:] = [item for item in items if item not in fed]
        config.hook.pytest_deselected(items=fed)
    for item in items:
        group = _group_of(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def _group_of(item):
    """Return what must run in one process, one after the other: the tests of one server."""
    known = item._fixtureinfo.name2fixturedefs
    if "street" in known and "own_street" not in known:
        return "street"
    shared = any(one.scope == "module" for found in known.values() for one in found)
    return item.path.stem if shared else None


def pytest_terminal_summary(terminalreporter):
    # Said by the process that reports; where tests are spread it has collected none itself.
    if find_browser() is None:
        terminalreporter.write_line(
            "No Chromium on this machine: what plays in a browser was left out;"
            " the same footage was played by ffmpeg."
        )


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory):
    """The simulated authority's keys, made once; smaller than NUC's own, to be made quickly."""
    folder = tmp_path_factory.mktemp("authority") / "authority"
    authority = Authority.create(folder, authority_key_bits=2048)
    for one in STAFF[:4]:
        authority.certificate_for(one)
    return folder


def _stage(tmp_path_factory, authority_folder, name):
    folder = tmp_path_factory.mktemp(name)
    shutil.copytree(authority_folder, folder / "stage" / "authority")
    return folder, Stage(folder / "stage", ports=Ports.free())


@pytest.fixture(scope="session")
def street(tmp_path_factory, authority_folder):
    """One server and street for every test that does not kill it."""
    folder, stage = _stage(tmp_path_factory, authority_folder, "street")
    with stage, Street(stage, folder) as street:
        yield street


@pytest.fixture(scope="module")
def own_street(tmp_path_factory, authority_folder):
    """A server and street for tests that kill and restart the server."""
    folder, stage = _stage(tmp_path_factory, authority_folder, "own")
    with stage, Street(stage, folder) as street:
        yield street
