"""Signed video, from the file's bytes to a verdict for each frame."""

from bodycam.rules.frames import ReadAt, open_video
from bodycam.rules.signed_video.findings import Findings
from bodycam.rules.signed_video.judge import Judge
from bodycam.rules.signed_video.trust import Anchors


def check_video(*, read_at: ReadAt, size_bytes: int, anchors: Anchors | None = None) -> Findings:
    """Return what the signatures in a file prove; reads the whole file once.

    Raises:
        NoVideo: the file has no video of a codec that is read here.
    """
    video = open_video(read_at=read_at, size_bytes=size_bytes)
    judge = Judge(codec=video.codec, anchors=anchors)
    end_ms = 0
    for frame in video.frames:
        judge.frame(frame.starts_ms, ends_ms=frame.ends_ms, whole=frame.whole)
        end_ms = frame.ends_ms
        for unit in frame.units:
            judge.take(unit)
    return judge.finish(end_ms=end_ms)
