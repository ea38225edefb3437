"""Asynchronous simulators on a thread of their own, for programs that are not asynchronous."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from sim.authority import Authority
from sim.ncalayer import PORT, NcaLayer

_START_SECONDS = 10


@contextmanager
def serving_signer(authority: Authority, *, port: int = PORT) -> Iterator[str]:
    """Serve the keys of ``authority`` as NCALayer does; yield the WebSocket's address.

    Raises:
        OSError: the port is taken.
    """
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready: Future[int] = Future()

    async def serve() -> None:
        try:
            async with NcaLayer(authority.keys).serving(port=port) as taken:
                ready.set_result(taken)
                await stop.wait()
        except OSError as error:
            ready.set_exception(error)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="ncalayer")
    thread.start()
    try:
        taken = ready.result(_START_SECONDS)
        yield f"ws://127.0.0.1:{taken}"
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(_START_SECONDS)
        loop.close()

