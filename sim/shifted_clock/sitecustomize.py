"""Sets back the clock of a server that a demonstration starts, and of nothing else.

Python imports this module by itself where its folder is on ``PYTHONPATH``. The product has no such
knob: a program that dates evidence takes its time from the machine. A demonstration needs the
morning of a shift whose recording is eight hours long, and cannot wait for it.

    PYTHONPATH=sim/shifted_clock SIM_CLOCK_OFFSET_SECONDS=-29400 python -m app up
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType

_OFFSET = timedelta(seconds=float(os.environ.get("SIM_CLOCK_OFFSET_SECONDS", "0")))
_CLOCK = "app.clock"


class _Loader(importlib.abc.Loader):
    def __init__(self, inner: importlib.abc.Loader) -> None:
        self._inner = inner

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        vars(module)["utc_now"] = lambda: datetime.now(UTC) + _OFFSET


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _CLOCK:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if _OFFSET:
    sys.meta_path.insert(0, _Finder())
