"""A client of tus 1.0 for tests, written from the text of the protocol alone."""

import base64
import hashlib

from tests import factories_bodycam as bodycam

MEDIA = "application/offset+octet-stream"


def metadata(**pairs):
    """Return ``Upload-Metadata`` of texts or bytes."""
    return ",".join(
        f"{key} {base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()}"
        for key, value in pairs.items()
    )


UNSIGNED = metadata(camera="S-1", started_at=bodycam.STARTED_AT.isoformat(), filename="клип.mp4")


def checksum(content, algorithm="sha256"):
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def beginning(world, _caller, ids):
    """Return a request that begins an upload of an announced recording."""
    recorded = world.recorded.get(ids["recording_id"]) or world.sample
    return {
        "headers": {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(recorded.manifest.size_bytes),
            "Upload-Metadata": metadata(recording_id=ids["recording_id"]),
        }
    }


class Sender:
    """A dock that speaks tus over an httpx client."""

    def __init__(self, client, dock):
        self.client = client
        self.headers = {"Tus-Resumable": "1.0.0", **dock}

    async def ask(self, method, path, *, headers=None, **more):
        shown = {**self.headers, **(headers or {})}
        shown = {name: value for name, value in shown.items() if value is not None}
        return await self.client.request(method, path, headers=shown, **more)

    async def create(self, length, *, said=UNSIGNED, headers=None, **more):
        head = {"Upload-Metadata": said, **(headers or {})}
        if length is not None:
            head["Upload-Length"] = str(length)
        return await self.ask("POST", "/tus", headers=head, **more)

    async def begun(self, length, **more):
        """Return the address of a new upload."""
        answer = await self.create(length, **more)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    async def patch(self, path, offset, content, *, headers=None):
        head = {"Content-Type": MEDIA, "Upload-Offset": str(offset), **(headers or {})}
        return await self.ask("PATCH", path, headers=head, content=content)

    async def offset(self, path):
        """Return the acknowledged offset."""
        answer = await self.ask("HEAD", path)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    async def send(self, content, *, said=UNSIGNED, pieces=1):
        """Send a whole file in so many requests and return its address."""
        path = await self.begun(len(content), said=said)
        step = -(-len(content) // pieces)
        for at in range(0, len(content), step):
            answer = await self.patch(path, at, content[at : at + step])
            assert answer.status_code == 204, answer.text
        return path
