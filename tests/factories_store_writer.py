"""A process that stores an object part by part for ever, and says which it would acknowledge.

``python -m tests.factories_store_writer OBJECTS KEYS CONTENT``; tests kill it at any instant.
"""

import asyncio
import sys
from pathlib import Path

from bodycam.storage import DirectoryStore
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size
from tests.factories_store import KEY, SIZE, object_keys


async def write(objects, keys, content):
    store = DirectoryStore(root=objects, keys=object_keys(keys))
    await store.begin(key=KEY, size_bytes=SIZE)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    for number in range(block_count(SIZE)):
        start = number * BLOCK_SIZE_BYTES
        block = content[start : start + block_size(number=number, size_bytes=SIZE)]
        async with store.open_part(key=KEY, number=number, size_bytes=len(block)) as part:
            for at in range(0, len(block), 100_000):
                await part.write([block[at : at + 100_000]])
            await part.sync()
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    await asyncio.sleep(60)


if __name__ == "__main__":
    objects, keys, source = map(Path, sys.argv[1:])
    asyncio.run(write(objects, keys, source.read_bytes()))
