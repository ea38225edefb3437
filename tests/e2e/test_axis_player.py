"""A body-worn system's encrypted clip in a real browser at the running server."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from sim.camera import Camera
from sim.district import KEEPER, REVIEWER
from sim.player import open_player
from tests import factories_bodycam as bodycam
from tests.factories_axis import System, encrypted, key_object

SECONDS = 5 * 60
WITH = {"key": bytes(range(32)), "iv": bytes(range(70, 86))}
SERIAL = "ACCC8E-PLAYER"


async def pushed(base_url, told, folder, began):
    """Push an encrypted clip and its key as such a system does; return the clip's size."""
    stamp = began.strftime("%Y%m%dT%H%M%SZ")
    container, name = f"u-1_{SERIAL}_{stamp}", began.strftime("%Y%m%d_%H%M%S_7CF7")
    meta = {"X-Container-Meta-Bwcserialnumber": SERIAL, "X-Container-Meta-Starttime": stamp}
    pem = base64.b64decode(told["PublicKey"])
    sealed = encrypted(bodycam.footage(SECONDS).read_bytes(), **WITH)
    key = key_object(pem, folder, public_key_id=told["PublicKeyId"], **WITH)
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as client:
        credential = f"{told['BlobAPIUserName']}.{told['BlobAPIKey']}"
        system = await System.signed_in(client, {"Device-Credential": credential})
        answers = [
            await system.ask("PUT", container, headers=meta),
            await system.ask("PUT", f"{container}/{name}.mp4", content=sealed),
            await system.ask("PUT", f"{container}/{name}.key", content=key),
        ]
    assert [one.status_code for one in answers] == [201, 201, 201]


@pytest.mark.browser
def test_an_encrypted_clip_plays_and_seeks(street, tmp_path):
    keys = Camera(camera_id=uuid4())
    keeper = street.stage.staff_client(KEEPER)
    device = {"kind": "camera", "inventory_number": "AXIS-1", "serial_number": SERIAL}
    keeper.post("/api/devices", device | {"public_key_pem": keys.public_key_pem})
    dock = {"kind": "dock", "inventory_number": "AXIS-2", "serial_number": "AXIS-2"}
    wanted = {
        "device_id": keeper.post("/api/devices", dock)["device_id"],
        "site_name": "Алматы",
        "encrypt": True,
    }
    told = keeper.post("/api/axis/connection-file", wanted)
    began = (datetime.now(UTC) - timedelta(minutes=30)).replace(microsecond=0)

    asyncio.run(pushed(street.stage.base_url, told, tmp_path, began))

    found = street.log.wait("bodycam.clip_opened")["fields"]["recording_id"]
    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        path = f"/console/recordings/{found}"
        seen = player.watch(path, seek_to_seconds=200, picture=tmp_path / "page.png")
    assert abs(seen.seek_landed_seconds - 200) < 3
    assert abs(seen.duration_seconds - SECONDS) < 2
