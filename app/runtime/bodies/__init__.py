"""A small HTTP/1.1 server for an ASGI application whose requests are large bodies.

What it does otherwise than a general server: a body is read off the socket into memory that is
used again, in pieces as large as the memory allows, and nothing is parsed, joined or copied on the
way; while the application has one piece, one more arrives and no further. What it leaves out:
bodies without a ``Content-Length``, upgrades, answers without one. TLS is a proxy's work.
"""

from app.runtime.bodies.connection import Limits
from app.runtime.bodies.server import run

__all__ = ["Limits", "run"]
