"""A unit's card terminals as its staff see them: who is out, what was counted last, what waits."""

from datetime import datetime

from app.access import Principal
from app.db import transaction
from devices.service import terminals_in_service
from fines.repository import totals as repository
from fines.service.desk import Desk


async def list_terminals(
    desk: Desk, *, caller: Principal, now: datetime
) -> list[dict[str, object]]:
    """Return the terminals of the caller's unit that are in service; they name no person."""
    async with transaction(desk.sessions) as session:
        found = await terminals_in_service(session, at=now, department_id=caller.department_id)
        ids = [one.device_id for one in found]
        last = await repository.last_of_each(session, ids)
        ordered = await repository.ordered_since(session, ids, now=now)
        return [
            {
                "device_id": one.device_id,
                "terminal_number": one.terminal_number,
                "held": one.held,
                "totals": last.get(one.device_id),
                "ordered_at": ordered.get(one.device_id),
            }
            for one in found
        ]
