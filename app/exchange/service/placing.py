"""Putting a request among its surroundings before it is decided."""

from dataclasses import replace

from app.exchange.service.asking import Asking, subject_index
from app.exchange.service.ports import ExchangePorts
from app.identity.rules.districts import is_inside


async def with_surroundings(ports: ExchangePorts, asking: Asking) -> Asking:
    """Return the request with what stands round it: is it about a relative, is it out of place.

    Where no position was sent, or the department has no district, nothing is known of the place.
    """
    known = await ports.surroundings.at(ports.sessions, asking.received_at)
    index, position = subject_index(asking.about, ports.keys), asking.sent.position
    ring = known.districts.get(asking.caller.department_id)
    in_district = None
    if ring is not None and position is not None:
        in_district = is_inside(ring, longitude=position.longitude, latitude=position.latitude)
    return replace(
        asking,
        about_relative=(asking.caller.person, index) in known.relatives,
        in_district=in_district,
    )
