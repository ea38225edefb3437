"""The lines of a simulated town: a serial cable, the way to the server, the way to the acquirer.

Each has its own dice (the world's) for what it loses, doubles, bends and delays.
"""

from dataclasses import dataclass

from fines.field.server import ServerRefused, ServerSilent
from fines.wire.protocol import Approval, Order, Outcome, Printed, Started
from sim.terminal import iso
from sim.virtual import Signal
from tests.factories_town_server import Refused

_BITS_PER_BYTE = 11


@dataclass
class Weather:
    """How often things go wrong. Rates are of one message or chunk."""

    bent: float = 0.0  # a bit of a chunk on the cable
    lost: float = 0.0  # a chunk on the cable, a request or an answer elsewhere
    doubled: float = 0.0
    late: float = 0.0
    kills_a_minute: float = 0.0  # of agent, terminal, cable, paper; each post

    def clear(self):
        self.bent = self.lost = self.doubled = self.late = self.kills_a_minute = 0.0


class Cable:
    """A serial line. ``port`` is the agent's end for pyserial's place, ``wire`` the terminal's."""

    def __init__(self, world, weather, name, *, baud=9600):
        self._world, self._weather, self._name, self._baud = world, weather, name, baud
        self.is_cut = False
        self.wire = CableWire(self)
        self.port: CablePort | None = None
        self._free_at = [0.0, 0.0]

    def open_port(self, *_args, **_more):
        """Open the agent's end, in the place of ``serial.serial_for_url``."""
        if self.is_cut:
            raise OSError("the port is not there")
        self.port = CablePort(self)
        return self.port

    def carry(self, data, *, to_agent):
        world, weather = self._world, self._weather
        dice = world.random
        begins = max(self._free_at[to_agent], world.seconds)
        arrives = begins + len(data) * _BITS_PER_BYTE / self._baud
        if weather.late and dice.random() < weather.late:
            arrives += dice.random() * 3
        self._free_at[to_agent] = arrives  # a serial line keeps its order
        if self.is_cut or dice.random() < weather.lost:
            return
        if weather.bent and dice.random() < weather.bent:
            place = dice.randrange(len(data))
            data = data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
        copies = 2 if weather.doubled and dice.random() < weather.doubled else 1
        port = self.port
        for _ in range(copies):
            world.after(arrives - world.seconds, lambda: self._arrive(data, to_agent, port))

    def _arrive(self, data, to_agent, port):
        if self.is_cut:
            return
        self._world.tell(self._name, f"{'<' if to_agent else '>'} {data.hex()}")
        end = port if to_agent else self.wire
        if end is not None:
            end.take(data)


class CablePort:
    """What the agent's ``Line`` sees of pyserial."""

    def __init__(self, cable):
        self._cable, self._signal = cable, Signal(cable._world)
        self._held = b""
        self.timeout = 0.0
        self.is_dead = False

    @property
    def in_waiting(self):
        return len(self._held)

    def take(self, data):
        self._held += data
        self._signal.fire()

    def read(self, size):
        if self.is_dead or self._cable.is_cut:
            raise OSError("the port is gone")
        if not self._held:
            self._signal.wait(self.timeout)
        data, self._held = self._held[:size], self._held[size:]
        return data

    def write(self, data):
        if self.is_dead or self._cable.is_cut:
            raise OSError("the port is gone")
        self._cable.carry(bytes(data), to_agent=False)

    def reset_input_buffer(self):
        self._held = b""

    def close(self):
        self.is_dead = True


class CableWire:
    """``sim.terminal.wire.Wire`` at the terminal's end."""

    def __init__(self, cable):
        self._cable, self._signal = cable, Signal(cable._world)
        self._held = b""

    def take(self, data):
        self._held += data
        self._signal.fire()

    def read(self, seconds):
        if not self._held:
            self._signal.wait(seconds)
        data, self._held = self._held, b""
        return data

    def write(self, data):
        self._cable.carry(bytes(data), to_agent=True)

    def close(self):
        self._held = b""


class WayToServer:
    """``fines.field.server.ServerClient`` of one terminal, over a way that loses and doubles."""

    def __init__(self, world, weather, server, *, terminal, answer_seconds=5.0):
        self._world, self._weather, self._server = world, weather, server
        self._terminal, self._answer_seconds = terminal, answer_seconds
        self._wake = Signal(world)
        self.is_down = False

    def wake(self):
        self._wake.fire()

    def hello(self, _hello):
        self._call("hello", lambda: None)

    def next_order(self, *, wait_seconds):
        def ask():
            return self._server.next_order(self._terminal)

        order = self._call("next", ask)
        if order is None and wait_seconds:
            self._wake.wait(wait_seconds)
            order = self._call("next", ask)
        return None if order is None else _over_json(order, Order)

    def started(self, order_id, report):
        return self._report("started", order_id, _over_json(report, Started))

    def approval(self, order_id, report):
        return self._report("approval", order_id, _over_json(report, Approval))

    def outcome(self, order_id, report):
        return self._report("outcome", order_id, _over_json(report, Outcome))

    def printed(self, order_id, report):
        self._report("printed", order_id, _over_json(report, Printed))

    def _report(self, name, order_id, report):
        act = getattr(self._server, name)
        answer = self._call(f"{name} {order_id}", lambda: act(order_id, report))
        return None if answer is None else _over_json(answer, type(answer))

    def _call(self, name, act):
        world, weather, dice = self._world, self._weather, self._world.random
        world.sleep(0.01 + dice.random() * 0.05)
        if self.is_down or dice.random() < weather.lost:
            world.sleep(self._answer_seconds)
            raise ServerSilent("the request was lost")
        try:
            answer = act()
            if weather.doubled and dice.random() < weather.doubled:
                answer = act()
        except Refused as refusal:
            world.tell(self._terminal, f"{name}: refused {refusal}")
            raise ServerRefused(409, str(refusal)) from refusal
        told = "" if answer is None else answer.model_dump_json()
        world.tell(self._terminal, f"{name}: {told}")
        world.sleep(0.01 + dice.random() * (3.0 if dice.random() < weather.late else 0.05))
        if self.is_down or dice.random() < weather.lost:
            world.sleep(self._answer_seconds)
            raise ServerSilent("the answer was lost")
        return answer


class WayToHost:
    """``sim.terminal.host.Link``: one exchange with the acquirer, over the real codec."""

    def __init__(self, world, weather, switch, name):
        self._world, self._weather, self._switch, self._name = world, weather, switch, name
        self._held = []
        self._signal = Signal(world)

    def send(self, message):
        world, dice = self._world, self._world.random
        raw = iso.encode(message)
        copies = 1 + (dice.random() < self._weather.doubled)
        for _ in range(0 if dice.random() < self._weather.lost else copies):
            world.after(0.05 + dice.random() * 0.3, lambda: self._reach(raw))

    def _reach(self, raw):
        world, dice = self._world, self._world.random
        world.tell(self._name, f"host > {raw.hex()}")
        for answer in self._switch.answer(iso.decode(raw[2:])):
            back = iso.encode(answer.message)
            wait = answer.after_seconds + 0.05 + dice.random() * 0.3
            wait += dice.random() * 20 if dice.random() < self._weather.late else 0
            if dice.random() >= self._weather.lost:
                world.after(wait, lambda back=back: self._come_back(back))

    def _come_back(self, raw):
        self._world.tell(self._name, f"host < {raw.hex()}")
        self._held.append(iso.decode(raw[2:]))
        self._signal.fire()

    def receive(self, seconds):
        if not self._held and not self._signal.wait(seconds):
            raise TimeoutError
        return self._held.pop(0)

    def close(self):
        self._held.clear()


def _over_json(message, kind):
    return kind.model_validate_json(message.model_dump_json())
