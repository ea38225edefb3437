"""All models imported once, so that migrations and tests see the whole schema."""

import importlib
from pathlib import Path

from app.db import Base

_ROOT = Path(__file__).resolve().parent.parent
for _slice in ("app/*/", "*/"):
    for _path in sorted(_ROOT.glob(f"{_slice}models.py")) + sorted(_ROOT.glob(f"{_slice}models")):
        importlib.import_module(".".join(_path.relative_to(_ROOT).with_suffix("").parts))

metadata = Base.metadata
