"""The main job, driven once from end to end on real parts, and told as it happens.

    python -m sim demo

Every figure in ``summary.json`` was measured in the run that wrote it.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sim.district import DRIVER, FRIEND, OFFICER, PLACE, REVIEWER
from sim.dockside import DockAgent, Reviewer, wait_for_parts
from sim.narrator import Narrator
from sim.patrol import (
    TERMINAL_NUMBER,
    Device,
    Keeper,
    Officer,
    TerminalAgent,
    mrz_of_driver,
    sign_sheets,
)
from sim.player import open_player
from sim.stage import DidNotStart, Ports, Stage, wipe
