"""One simulated day by its seed: ``python -m tests.unit.simulation.day SEED PAYMENTS``."""

import logging
import sys
import tempfile
from pathlib import Path

from tests.factories_town import Town


def main(seed: int, payments: int) -> None:
    """Live the day, account for it, print its trace's hash and what happened."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        town = Town(seed=seed, payments=payments, folder=Path(folder))
        try:
            trace = town.live()
            town.account()
            sys.stdout.write(f"{trace} {town.counts}\n")
        finally:
            town.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
