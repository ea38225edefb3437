"""A recording is played in a real browser before its upload has ended."""

import pytest

from sim.district import REVIEWER
from sim.dockside import parts_acknowledged, wait_for_parts
from sim.player import open_player
from tests import factories_bodycam as bodycam
from tests.factories_stage import dock_said

BLOCKS = 12
SECONDS = bodycam.SECONDS


@pytest.mark.browser
def test_the_first_frame_is_shown_before_the_upload_has_ended(street, tmp_path):
    recorded, dock = street.record(bodycam.spread_footage(BLOCKS), seconds=SECONDS)
    dock.start(bandwidth_mb_s=1)
    try:
        recording_id = str(recorded.recording_id)
        wait_for_parts(street.dock, street.stage.base_url, recording_id, at_least=3)
        with open_player(street.stage.base_url, sign=str) as player:
            player.sign_in(REVIEWER.iin)
            path = f"/console/recordings/{recording_id}"
            seen = player.watch(path, seek_to_seconds=6, picture=tmp_path / "page.png")
            held = parts_acknowledged(street.dock, street.stage.base_url, recording_id)
            said = player.page.locator("#arriving").inner_text()
    finally:
        dock.kill()
    dock.start()

    assert 3 <= held < BLOCKS
    assert abs(seen.seek_landed_seconds - 6) < 5
    assert 6 < seen.duration_seconds < SECONDS
    assert "не проверено" in said
    assert street.log.wait("bodycam.recording_viewed", recording_id=recording_id)
    assert dock.wait() == 0, dock_said(dock)
    assert street.recording(recorded)["status"] == "reviewable"
