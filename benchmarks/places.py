"""Where the measurements keep what they write: below ``var/bench``, on the disk of the project."""

import shutil
from pathlib import Path
from typing import Final

FOLDER: Final = Path("var/bench").resolve()


def emptied(folder: Path, *, keep: tuple[str, ...] = ()) -> Path:
    """Return ``folder``, made, and empty but for the entries named."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return folder
