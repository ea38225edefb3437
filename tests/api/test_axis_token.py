"""The token of a body-worn system: short, made by us alone, and not its key."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.clock import utc_now
from app.credentials import secret_sha256
from app.db import transaction
from devices.models import Device
from devices.rules.tokens import token_text
from tests import factories_bodycam as bodycam
from tests.factories_axis import CONTAINER, META, System


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def system(client, yard):
    return await System.signed_in(client, yard.dock)


def shown(yard):
    device_id, _, secret = yard.dock["Device-Credential"].partition(".")
    return device_id, secret


def token(app, yard, *, after):
    return token_text(
        app.state.token_key,
        holder_id=yard.dock_id,
        secret_sha256=secret_sha256(shown(yard)[1]),
        until=utc_now() + after,
    )


async def put(system):
    return (await system.ask("PUT", CONTAINER, headers=META)).status_code


async def test_a_token_is_not_the_key_and_lasts_a_quarter_of_an_hour(system, yard):
    device_id, secret = shown(yard)

    holder, until, _ = system.token.split(".")

    assert holder == device_id
    assert secret not in system.token
    assert 14 * 60 < int(until) - utc_now().timestamp() <= 15 * 60
    assert await put(system) == 201


async def test_a_token_ends_with_its_time(app, client, system, yard):
    good = System(client, token(app, yard, after=timedelta(minutes=1)), system.account)
    over = System(client, token(app, yard, after=-timedelta(seconds=1)), system.account)

    assert (await put(over), await put(good)) == (401, 201)


async def test_a_token_ends_with_the_key_it_was_asked_for_by(system, sessions, yard):
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Device)
            .where(Device.id == yard.dock_id)
            .values(credential_sha256=secret_sha256("another"))
        )

    assert await put(system) == 401


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace(text.split(".")[1], str(int(text.split(".")[1]) + 60)),
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "E"),
        lambda text: text + "A",
        lambda text: text.rpartition(".")[0],
    ],
    ids=["longer", "other-tag", "too-long", "no-tag"],
)
async def test_a_changed_token_opens_nothing(client, system, changed):
    assert await put(System(client, changed(system.token), system.account)) == 401


async def test_the_key_itself_is_no_token(client, system, yard):
    stranger = System(client, yard.dock["Device-Credential"], system.account)

    assert await put(stranger) == 401
