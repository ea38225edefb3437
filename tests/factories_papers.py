"""People who sign the papers of access, as their pages do: have it written, sign it, send it."""

import base64

from sim.authority import Use
from tests.factories_identity import authority

PATH = "/api/access"
REASON = {"reason": "violation", "text": "Ключ передан другому лицу"}


def signature(staff, paper, use=Use.SIGN):
    """Return a signature over the text of a paper."""
    cms = authority().sign(staff, paper.encode(), use)
    return base64.b64encode(cms).decode()


def form(**changed):
    """Return a patrol officer's form but for the official, filled in just now."""
    return {
        "role": "patrol_officer",
        "services": ["person_documents", "driver_licence", "vehicle"],
        "bases": ["PRIMARY_CHECK"],
        "contacts": "+7 727 000 00 00",
        "workplace": "TAB-0042",
    } | changed


async def filed(client, headers, staff, *, drawn_at=None, **changed):
    """File a request for access and return the server's answer."""
    officials = (await client.get(f"{PATH}/officials", headers=headers)).json()
    named = {"responsible_id": officials[0]["person_id"]} if officials else {}
    body = form(**named | changed)
    written = (await client.post(f"{PATH}/forms", json=body, headers=headers)).json()
    signed = {
        "form": body,
        "drawn_at": drawn_at or written["drawn_at"],
        "cms": signature(staff, written["paper"]),
    }
    return await client.post(f"{PATH}/requests", json=signed, headers=headers)


async def granted(client, headers, staff, request_id, **rights):
    """Grant a request as an operator and return the server's answer."""
    path = f"{PATH}/requests/{request_id}"
    body = {"services": ["person_documents"], "bases": ["PRIMARY_CHECK"]} | rights
    paper = await client.post(f"{path}/grant-paper", json=body, headers=headers)
    if paper.is_error:
        return paper
    cms = signature(staff, paper.json()["paper"])
    return await client.post(f"{path}/grant", json=body | {"cms": cms}, headers=headers)


async def refused(client, headers, staff, request_id, **said):
    """Refuse a request as an operator and return the server's answer."""
    path = f"{PATH}/requests/{request_id}"
    body = {"reason": "no_need", "text": "Не требуется по должности"}
    paper = await client.post(f"{path}/refusal-paper", json=body, headers=headers)
    if paper.is_error:
        return paper
    signed = body | {"cms": signature(staff, paper.json()["paper"])} | said
    return await client.post(f"{path}/refuse", json=signed, headers=headers)


async def agreed(client, headers, staff):
    """Sign the agreement in force and return the server's answer."""
    found = (await client.get(f"{PATH}/agreement", headers=headers)).json()
    cms = signature(staff, found["paper"])
    body = {"version": found["version"], "cms": cms}
    return await client.post(f"{PATH}/agreement", json=body, headers=headers)


async def blocked(client, headers, person_id, **said):
    """Block a person and return the server's answer."""
    return await client.post(
        f"{PATH}/people/{person_id}/block", json=REASON | said, headers=headers
    )


async def unblocked(client, headers, staff, person_id, text="Проверка окончена"):
    """Lift the block of a person and return the server's answer."""
    path = f"{PATH}/people/{person_id}"
    paper = await client.post(f"{path}/unblock-paper", json={"text": text}, headers=headers)
    if paper.is_error:
        return paper
    body = {"text": text, "cms": signature(staff, paper.json()["paper"])}
    return await client.post(f"{path}/unblock", json=body, headers=headers)


async def person_id_of(client, headers):
    """Return the caller's own id."""
    return (await client.get("/api/me", headers=headers)).json()["person_id"]
