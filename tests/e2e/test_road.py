"""The demonstration's road from end to end, with a short recording, as a user runs it."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from app.audit import verify
from sim.district import DRIVER, LAW_ZONE, OFFICER
from tests import factories_bodycam as bodycam
from tests.factories_stage import demonstration

HOURS = 0.75  # four parts of 8 MiB: the upload is cut after the second
PROMISED = {
    "check_ms", "fine_full_tiyn", "fine_paid_tiyn", "discount_until", "third_party_card", "slips",
    "upload_bytes", "upload_resumed", "upload_mb_per_s", "playable_after_dock_ms",
    "first_frame_ms", "seek_ms", "player", "audit_leaves", "ok",
}  # fmt: skip


@dataclass
class Road:
    folder: Path
    code: int
    told: str
    summary: dict

    @property
    def log(self):
        return self.folder / "log"


@pytest.fixture(scope="module")
def road(tmp_path_factory, authority_folder):
    """The road, driven once."""
    folder = tmp_path_factory.mktemp("road")
    shutil.copytree(authority_folder, folder / "stage" / "authority")
    (folder / "stage" / "footage").mkdir()
    for base in bodycam.footage(20 * 60).parent.glob("base-*-320s.mp4"):
        shutil.copy(base, folder / "stage" / "footage")
    done = subprocess.run(
        demonstration(folder, hours=HOURS), capture_output=True, text=True, check=False
    )
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Road(folder, done.returncode, done.stdout + done.stderr, summary)


def test_the_road_ends_well_and_every_promised_figure_was_measured(road):
    assert road.code == 0, road.told
    assert road.summary["ok"] is True
    assert road.summary.keys() >= PROMISED
    measured = [name for name in PROMISED if name.endswith(("_ms", "_per_s"))]
    assert [name for name in measured if not road.summary[name] > 0] == []


def test_half_the_fine_was_paid_by_his_own_card_and_nothing_by_a_friends(road):
    assert road.summary["fine_full_tiyn"] == 2 * road.summary["fine_paid_tiyn"] == 4_325_000
    assert road.summary["third_party_card"] == "refused"
    assert road.summary["third_party_debits"] == 0
    assert road.summary["payment_status"] == "filed"


def test_the_discount_ends_at_midnight_by_the_laws_clock(road):
    until = datetime.fromisoformat(road.summary["discount_until"]).astimezone(LAW_ZONE)

    assert f"{until:%H:%M:%S}" == "00:00:00"


def test_two_different_slips_are_on_paper_and_two_as_pdf(road):
    slips = [Path(slip) for slip in road.summary["slips"]]

    assert len({slip.read_bytes() for slip in slips}) == 2
    for slip in slips:
        with Image.open(slip) as picture:
            assert picture.height > 600
    for number in (1, 2):
        assert (road.folder / f"slip-{number}.pdf").read_bytes().startswith(b"%PDF-")


def test_the_upload_was_cut_in_the_middle_resumed_and_the_camera_wiped(road):
    told = re.search(r"(\d+) of (\d+) parts are on the server's disk", road.told)
    held, parts = (int(number) for number in told.groups())

    dock = (road.folder / "dock" / "dock.log").read_text()
    resumed = int(re.search(r"resumes, (\d+) parts are there", dock).group(1))

    assert 1 <= held <= resumed < parts  # one more may come between the look and the kill
    assert (road.summary["upload_resumed"], road.summary["camera_wiped"]) == (True, True)


def test_the_complaint_finds_the_recording_and_the_seek_lands(road):
    assert road.summary["recordings_found"] == 1
    assert road.summary["player"] in {"chromium", "ffmpeg"}
    assert road.summary["seek_to_seconds"] == pytest.approx(HOURS * 3600 * 0.75, abs=7)
    assert road.summary["seek_ms"] > 0


def verified(log, leaves):
    files = {"--key": log / "key", "--checkpoint": log / "checkpoint", "--leaves": leaves}
    return verify.main(["log", *(str(word) for pair in files.items() for word in pair)])


def test_the_exported_log_verifies_without_the_server(road, capsys):
    assert verified(road.log, road.log / "leaves") == 0
    assert f"{road.summary['audit_leaves']} leaves" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_one_changed_byte_of_the_exported_leaves_is_refused(road, tmp_path, capsys, share):
    changed = bytearray((road.log / "leaves").read_bytes())
    changed[int(len(changed) * share)] ^= 0x01
    (tmp_path / "leaves").write_bytes(changed)

    code = verified(road.log, tmp_path / "leaves")

    assert code == 1
    assert "REFUSED" in capsys.readouterr().out


def test_the_log_names_nobody(road):
    text = (road.log / "leaves").read_text(encoding="utf-8")

    for secret in (DRIVER.iin, DRIVER.surname, DRIVER.card.pan, OFFICER.iin, OFFICER.surname):
        assert secret not in text
