"""What cameras, docks and the server say to each other; described in ``docs/protocols/dock.md``.

A leaf: the standard library and pydantic only. ``canonical`` makes the bytes that are signed,
``manifest`` is what a camera says of a recording, ``head`` what goes before its bulk, ``protocol``
what a dock and the server say.
"""
