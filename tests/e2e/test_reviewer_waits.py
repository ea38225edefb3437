"""The reviewer of the demo opens a long recording that the worker has not read yet."""

from dataclasses import dataclass

import pytest

from sim.client import ApiClient, Refused
from sim.dockside import Reviewer
from tests.factories_dock import PROBLEM, stub_server

PLAYLIST = b"#EXTM3U\n"


@dataclass
class Desk:
    url: str

    def staff_client(self, _staff):
        return ApiClient(self.url)


def test_a_playlist_that_is_not_made_yet_is_waited_for():
    def answer(_path, times):
        if times < 3:
            return 409, PROBLEM, {"code": "bodycam.not_playable"}
        return 200, {}, PLAYLIST

    with stub_server(answer) as (url, asked):
        found = Reviewer(Desk(url)).open_playlist("a")

    assert found == PLAYLIST
    assert asked == {"/api/recordings/a/playlist.m3u8": 3}


def test_any_other_refusal_is_told_at_once():
    with stub_server(lambda *_: (404, PROBLEM, {"code": "bodycam.recording_not_found"})) as stub:
        url, asked = stub
        with pytest.raises(Refused, match="recording_not_found"):
            Reviewer(Desk(url)).open_playlist("a")

    assert list(asked.values()) == [1]
