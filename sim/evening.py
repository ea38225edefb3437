"""The shift itself and its end: a check, a fine paid by card, the dock, a complaint, the proof."""

import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sim.district import DRIVER, LAW_ZONE, PLACE, REVIEWER, Card
from sim.dockside import DockAgent, Reviewer, wait_for_parts
from sim.morning import Issued
from sim.narrator import Narrator, Step
from sim.patrol import Officer, TerminalAgent, mrz_of_driver
from sim.player import open_player
from sim.printer import SimPrinter
from sim.stage import DidNotStart, Stage
from sim.terminal import SimTerminal
from sim.witness import NAME as WITNESS

_ARTICLE, _PART = "592", "2"  # exceeding the speed by 20 to 40 km/h
_CUT_AFTER: Final = 0.4  # of the recording: then the dock's plug is pulled
_SLOW_MB_S: Final = 60  # so that the cut finds it in the middle, also of a short recording:
_SLOW_SECONDS: Final = 10
_TIYN: Final = 100
_EXPORTS_MAX: Final = 5  # a checkpoint is cosigned within about a second


class Evening:
    """The acts in their order; each takes its figures into the summary."""

    def __init__(
        self,
        stack: ExitStack,
        stage: Stage,
        narrator: Narrator,
        *,
        folder: Path,
        issued: Issued,
    ) -> None:
        self._stack, self._stage, self._narrator = stack, stage, narrator
        self._folder, self._issued = folder, issued
        self._officer = Officer(stage, issued.tablet)
        self._check: dict[str, Any] = {}
        self._record: dict[str, Any] = {}
        self._place_at = issued.issued_at

    def check(self, summary: dict[str, Any]) -> None:
        """Check the driver by his identity card alone."""
        with self._narrator.step("Checked by identity card alone: the zone on its back") as step:
            began = time.perf_counter()
            self._check = self._officer.check({"mrz": mrz_of_driver()}, DRIVER.plate)
            summary["check_ms"] = _ms_since(began)
            for part in self._check["parts"]:
                step.note(f"{part['register']:<18} {part['status']:<10} {part['asked_ms']} ms")
            step.note(
                f"decision is leaf {self._check['decision_leaf_index']} of the audit log,"
                f" the answer leaf {self._check['leaf_index']}: both before it was shown"
            )

    def draw_up(self, summary: dict[str, Any]) -> None:
        """Draw up the record in reduced proceedings and number the receipt."""
        with self._narrator.step(f"Offence record, article {_ARTICLE}({_PART})") as step:
            essence = "Жылдамдықты сағатына 32 км-ге асырды (рұқсат етілгені 60, өлшенгені 92)."
            self._record = self._officer.draw_up(
                self._check["check_id"], article=_ARTICLE, part=_PART, essence=essence
            )
            summary["fine_full_tiyn"] = self._record["fine_full_tiyn"]
            step.note(f"No. {self._record['number']}, {self._record['title_ru']}")
            record_pdf = self._folder / "record.pdf"
            record_pdf.write_bytes(self._officer.sign(self._record["offence_record_id"]))
            step.note(f"shown and signed: {record_pdf}")
            step.note(f"{self._record['mrp_count']} MRP, {_tenge(self._record['fine_full_tiyn'])}")
        with self._narrator.step("The driver admits and agrees: half within seven days") as step:
            record_id = self._record["offence_record_id"]
            receipt = self._officer.agree(record_id)
            summary["receipt_number"] = receipt["receipt_number"]
            summary["discount_until"] = receipt["discount_until"]
            (self._folder / "receipt.pdf").write_bytes(self._officer.receipt(record_id))
            step.note(
                f"receipt {receipt['receipt_number']}: {_tenge(receipt['amount_tiyn'])}"
                f" until 24:00 of {receipt['discount_last_day']} (seventh working day)"
            )
            step.note(f"{self._folder / 'receipt.pdf'}")

    def pay(self, summary: dict[str, Any], *, strange_card: Card) -> None:
        """Try another person's card, then pay with the driver's own."""
        lines, papers = self._folder / "line", self._folder / "paper"
        terminal = SimTerminal(
            link=lines / "terminal",
            acquirer=self._stage.acquirer.address,
            state=self._folder / "terminal-state.json",
        )
        self._stack.enter_context(terminal)
        printer = self._stack.enter_context(SimPrinter(link=lines / "printer", folder=papers))
        agent = TerminalAgent(
            self._stage,
            self._issued.terminal,
            terminal=lines / "terminal",
            printer=lines / "printer",
            folder=self._folder / "agent",
        )
        agent.start()
        self._stack.callback(agent.stop)
        self._refuse_strange(summary, terminal, printer, strange_card)
        self._pay_own(summary, terminal, printer)

    def _refuse_strange(
        self, summary: dict[str, Any], terminal: SimTerminal, printer: SimPrinter, card: Card
    ) -> None:
        with self._narrator.step(f"A friend's card ({card.brand}) is put in") as step:
            terminal.insert_card(card)
            payment = self._officer.pay(self._record["offence_record_id"])
            debits = len(self._stage.acquirer.book.debits)
            refused = payment["status"] == "declined" and payment["reason"] == "third_party_card"
            summary["third_party_card"] = "refused" if refused else payment["status"]
            summary["third_party_debits"] = debits
            step.note(f"refused: {payment['reason_ru']}")
            step.note(f"the issuer compared the IIN; debits in its book: {debits}")
        self._wait_for_papers(printer, 1)

    def _pay_own(self, summary: dict[str, Any], terminal: SimTerminal, printer: SimPrinter) -> None:
        before = len(printer.papers)
        own = DRIVER.card
        with self._narrator.step(f"His own card ({own.brand}): paid, two slips printed") as step:
            terminal.insert_card(own)
            payment = self._officer.pay(self._record["offence_record_id"])
            summary["fine_paid_tiyn"] = self._stage.acquirer.book.debited_tiyn
            step.note(
                f"{payment['status']}, {_tenge(payment['amount_tiyn'])}, RRN {payment['rrn']},"
                f" code {payment['approval_code']}, card {payment['card_masked']}"
            )
            slips = self._wait_for_papers(printer, before + 2)[before:]
            summary["slips"] = [str(slip) for slip in slips]
        summary["pay_ms"] = round(step.ms, 1)
        with self._narrator.step("The driver signs both; the second is photographed and filed") as (
            step
        ):
            payment_id = payment["payment_id"]
            for slip in payment["slips"]:
                pdf = self._folder / f"slip-{slip['copy_number']}.pdf"
                pdf.write_bytes(self._officer.slip_pdf(payment_id, slip["slip_id"]))
            filed = self._officer.file_signed_slip(payment_id, slips[-1].read_bytes())
            summary["payment_status"] = filed["status"]
            for name in (*summary["slips"], self._folder / "slip-1.pdf"):
                step.note(str(name))

    def _wait_for_papers(self, printer: SimPrinter, count: int) -> list[Path]:
        deadline = time.monotonic() + 20
        while len(printer.papers) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return list(printer.papers)

    def dock(
        self, summary: dict[str, Any], *, footage: Future[Path], seconds: int, began: datetime
    ) -> None:
        """Dock the camera, pull the dock's plug once, resume, verify, wipe."""
        hours = seconds / 3600
        with self._narrator.step(
            f"The camera comes back with {hours:g} h of H.264 and AAC"
        ) as step:
            self._place_at = began + timedelta(seconds=seconds * 0.75)
            recorded = self._issued.camera.record(
                bay=self._stage.folder / "bays" / "bay-01",
                footage=footage.result(),
                started_at=began,
                seconds=seconds,
                at_place=self._place_at,
            )
            size = recorded.manifest.size_bytes
            step.note(f"{size / 1e6:.0f} MB, {len(recorded.manifest.blocks)} blocks, signed")
        summary["upload_bytes"] = size
        agent = DockAgent(
            self._stage,
            self._issued.dock,
            bays=self._stage.folder / "bays",
            folder=self._folder / "dock",
        )
        recording_id = str(recorded.recording_id)
        blocks = len(recorded.manifest.blocks)
        with self._narrator.step("It uploads by itself; the dock's plug is pulled") as step:
            slow_mb_s = round(size / 1e6 / _SLOW_SECONDS)
            agent.start(bandwidth_mb_s=min(max(slow_mb_s, 1), _SLOW_MB_S))
            self._stack.callback(agent.kill)
            held = wait_for_parts(
                self._issued.dock,
                self._stage.base_url,
                recording_id,
                at_least=max(1, round(blocks * _CUT_AFTER)),
            )
            agent.kill()
            step.note(f"{held} of {blocks} parts are on the server's disk, acknowledged")
        self._resume(summary, agent, recorded.folder, left=size * (blocks - held) / blocks)
        self._playable(summary, recording_id)

    def _resume(
        self, summary: dict[str, Any], agent: DockAgent, camera: Path, *, left: float
    ) -> None:
        with self._narrator.step("It resumes, is verified, and the camera is wiped") as step:
            began = time.perf_counter()
            agent.start()
            code = agent.wait()
            seconds = time.perf_counter() - began
            text = agent.log.read_text(errors="replace")
            for line in text.splitlines()[-3:]:
                step.note(line)
            wiped = code == 0 and not any(camera.glob("*.mp4"))
            summary["upload_resumed"] = wiped and "resum" in text
            summary["upload_mb_per_s"] = round(left / 1e6 / seconds, 1)
            summary["camera_wiped"] = wiped

    def _playable(self, summary: dict[str, Any], recording_id: str) -> None:
        with self._narrator.step("Playable: the playlist over the stored file answers"):
            reviewer = Reviewer(self._stage)
            began = time.perf_counter()
            reviewer.open_playlist(recording_id)
            summary["playable_after_dock_ms"] = _ms_since(began)

    def complain(self, summary: dict[str, Any]) -> None:
        """Register a complaint and watch what it finds, as the reviewer does."""
        with self._narrator.step("The reviewer registers it; the footage is found") as step:
            reviewer = Reviewer(self._stage)
            complaint = reviewer.register_complaint(self._place_at)
            found = complaint["recordings"]
            summary["recordings_found"] = len(found)
            at = found[0]["first_offset_seconds"]
            step.note(f"{PLACE}, about {self._place_at.astimezone(LAW_ZONE):%H:%M}")
            step.note(f"No. {complaint['number']}: {len(found)} recording, at {at / 3600:.2f} h")
        recording_id = found[0]["recording"]["recording_id"]
        page = f"/console/recordings/{recording_id}"
        summary["page"] = self._stage.base_url + page
        with (
            self._narrator.step("It is played from the stored file, and sought to hour 6") as step,
            open_player(self._stage.base_url, sign=lambda _iin: reviewer.api.token) as player,
        ):
            player.sign_in(REVIEWER.iin)
            complaint_page = f"/console/complaints/{complaint['complaint_id']}"
            player.look(complaint_page, picture=self._folder / "complaint.png")
            target = (self._place_at - self._issued.issued_at).total_seconds()
            seen = player.watch(page, seek_to_seconds=target, picture=self._folder / "player.png")
            summary |= {
                "player": player.name,
                "first_frame_ms": round(seen.first_frame_ms, 1),
                "seek_ms": round(seen.seek_ms, 1),
                "seek_to_seconds": round(seen.seek_landed_seconds, 1),
            }
            step.note(f"{player.name}: first frame {seen.first_frame_ms:.0f} ms after the click")
            step.note(f"sought to {target / 3600:.2f} h: frame after {seen.seek_ms:.0f} ms")
            step.note(f"{self._folder / 'player.png'}")

    def prove(self, summary: dict[str, Any]) -> None:
        """Check the whole log with the verifier that needs neither server nor database."""
        with self._narrator.step("An outsider checks the whole log without us") as step:
            log = self._folder / "log"
            self._exported(log)
            done = subprocess.run(  # noqa: S603 - our own verifier
                [
                    sys.executable, "-m", "app.audit.verify", "log",
                    "--key", str(log / "key"),
                    "--checkpoint", str(log / "checkpoint"),
                    "--leaves", str(log / "leaves"),
                    "--witness", self._stage.witness.key,
                ],
                capture_output=True,
                text=True,
                check=False,
            )  # fmt: skip
            summary["log_proof_verified"] = done.returncode == 0
            summary["audit_leaves"] = len((log / "leaves").read_bytes().splitlines())
            _note(step, done.stdout)
            step.note("cosigned by the witness of another body")
            if (log / "anchored-checkpoint.tsr").exists():
                step.note("time-stamped: openssl ts -verify reads anchored-checkpoint.tsr")

    def _exported(self, log: Path) -> None:
        """Export the log, again where its newest checkpoint was not yet cosigned."""
        for _ in range(_EXPORTS_MAX):
            self._stage.run_app("export-log", str(log))
            if WITNESS in (log / "checkpoint").read_text(encoding="utf-8"):
                return
        raise DidNotStart("the witness does not cosign the log")


def _note(step: Step, text: str) -> None:
    for line in text.splitlines():
        step.note(line)


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _tenge(tiyn: int) -> str:
    return f"{tiyn // _TIYN:,}.{tiyn % _TIYN:02d} ₸".replace(",", " ")
