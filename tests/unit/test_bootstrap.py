"""The first command of all: whoever runs it, it leaves an environment that works."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "bootstrap.py"
MAKE = "import sys; sys.path.insert(0, 'deploy'); import bootstrap; {}bootstrap.make_venv()"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    made = run(tmp_path, sys.executable, "-m", "venv", "--without-pip", ".venv")
    assert made.returncode == 0, made.stderr
    return tmp_path


def run(folder, *command):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_may_be_run_by_the_python_of_the_environment_that_it_makes_anew(checkout):
    old = checkout / ".venv" / "left-behind"
    old.touch()

    made = run(checkout, checkout / ".venv/bin/python", "-c", MAKE.format(""))

    assert made.returncode == 0, made.stderr
    assert not old.exists()
    assert run(checkout, checkout / ".venv/bin/python", "-c", "import sys").returncode == 0


def test_it_deletes_nothing_where_that_python_cannot_be_replaced(checkout):
    gone = "sys._base_executable = '/nowhere/python3'; "

    refused = run(checkout, checkout / ".venv/bin/python", "-c", MAKE.format(gone))

    assert "CannotInstall" in refused.stderr
    assert "python3 deploy/bootstrap.py" in refused.stderr
    assert run(checkout, checkout / ".venv/bin/python", "-c", "import sys").returncode == 0
