"""Use cases of the slice. What others call stands in ``uses``, brought when first asked for.

A process that needs one use case, as that which receives parts, imports its module and spares the
memory of all others (decision 0040).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devices.service.uses import *  # noqa: F403 - its ``__all__`` is the list
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # the import system's own questions
        return getattr(importlib.import_module("devices.service.uses"), name)
