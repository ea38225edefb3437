"""The check of footage that anybody can run: no server, no database, no network.

    python -m bodycam.verify FILE --ca cameras.pem

``video`` checks what the camera signed into the stream, ``custody`` what it signed beside it: the
manifest over the blocks of the file, and the server's receipt.
"""

from bodycam.verify.custody import CustodyFindings, check_custody
from bodycam.verify.video import check_video

__all__ = ["CustodyFindings", "check_custody", "check_video"]
