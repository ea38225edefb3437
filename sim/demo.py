"""The main job, driven once from end to end on real parts, and told as it happens.

    python -m sim demo

Every figure in ``summary.json`` was measured in the run that wrote it.
"""

import json
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sim.camera import make_footage
from sim.district import FRIEND, LAW_ZONE, PLACE
from sim.evening import Evening
from sim.morning import Morning
from sim.narrator import Narrator
from sim.stage import Ports, Stage, wipe

_KEPT: Final = ("authority", "footage")  # slow to make, the same each time
_PAUSE_AFTER_SHIFT: Final = timedelta(minutes=4)


def run(folder: Path, *, hours: float) -> int:
    """Drive the road in ``folder``; return the exit code, and leave ``summary.json`` there."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wipe(folder / "stage", keep=_KEPT)
    wipe(folder, keep=("stage",))
    narrator = Narrator()
    summary: dict[str, Any] = {"ok": False}
    try:
        with ExitStack() as stack:
            _drive(stack, folder, hours=hours, narrator=narrator, summary=summary)
        summary["ok"] = _all_held(summary)
    except Exception as error:  # noqa: BLE001 - the edge of the program: it tells and ends
        (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
        narrator.say(f"stopped: {type(error).__name__}: {error}")
        narrator.say(f"the whole story is in {_shown(folder / 'failure.txt')}")
    finally:
        summary["seconds"] = round(narrator.seconds, 1)
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    narrator.say(f"\n{text}")
    narrator.say(
        f"\nThis is {_shown(folder / 'summary.json')}. Whole run: {narrator.seconds:.0f} s."
    )
    return 0 if summary["ok"] else 1


def _drive(
    stack: ExitStack, folder: Path, *, hours: float, narrator: Narrator, summary: dict[str, Any]
) -> None:
    seconds = round(hours * 3600)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    footage: Future[Path] = pool.submit(
        make_footage, folder=folder / "stage" / "footage", seconds=seconds
    )
    narrator.say("Saqshy: one shift of a patrol officer, on real parts.")
    narrator.say(f"The camera's recording of {hours:g} hours is being made meanwhile.")

    since_morning = timedelta(seconds=seconds) + _PAUSE_AFTER_SHIFT
    stage = Stage(folder / "stage", ports=Ports.free(), clock_offset=-since_morning)
    began = datetime.now(UTC) - since_morning
    narrator.chapter(f"Morning: the shift begins (the server's clock stands at {_clock(began)})")
    with narrator.step("The server, its PostgreSQL and the world around it start") as step:
        stack.enter_context(stage)
        step.note(f"{stage.base_url}, everything in {_shown(stage.folder)}")
    issued = Morning(stage, narrator).run(summary)

    narrator.chapter("Evening: the same shift, by the true clock")
    with narrator.step("The plug is pulled (kill -9), and the server starts again") as step:
        stage.clock_offset = timedelta(0)
        stage.kill_server()
        stage.start_server()
        step.note("the embedded PostgreSQL recovered by itself; nothing entered was lost")
    evening = Evening(stack, stage, narrator, folder=folder, issued=issued)
    narrator.chapter(f"A driver is stopped: {PLACE}")
    evening.check(summary)
    evening.draw_up(summary)
    narrator.chapter("The half-price fine is paid by card, on the spot")
    evening.pay(summary, strange_card=FRIEND.card)
    narrator.chapter("The camera goes on the dock")
    evening.dock(summary, footage=footage, seconds=seconds, began=issued.issued_at)
    narrator.chapter("A complaint names a place and a time")
    evening.complain(summary)
    evening.prove(summary)


def _all_held(summary: dict[str, Any]) -> bool:
    promises = (
        summary["third_party_card"] == "refused",
        summary["third_party_debits"] == 0,
        summary["fine_paid_tiyn"] * 2 == summary["fine_full_tiyn"],
        len(summary["slips"]) == 2 and all(Path(slip).is_file() for slip in summary["slips"]),  # noqa: PLR2004 - two slips
        summary["upload_resumed"],
        summary["camera_wiped"],
        summary["audit_leaves"] > 0 and summary["log_proof_verified"],
        summary["player"] in {"chromium", "ffmpeg"},
    )
    return all(promises)


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(LAW_ZONE):%d.%m.%Y %H:%M}"


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
