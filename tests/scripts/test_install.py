"""The first `make run` says how far it is, without a line for each of a hundred wheels."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.install import Progress, follow, main, wheels

LOCK = """\
asyncpg==0.32.0 \\
    --hash=sha256:aa
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:bb
redis[hiredis]==8.1 \\
    --hash=sha256:cc
"""
PIP = """
print("Ignoring colorama: markers 'sys_platform == \\"win32\\"' don't match your environment")
print("Collecting asyncpg==0.32.0 (from -r requirements.lock (line 1))")
print("  Downloading asyncpg.whl (3 MB)")
print("Collecting redis[hiredis]==8.1 (from -r requirements.lock (line 5))")
print("Installing collected packages: redis, asyncpg")
"""


class Shown(Progress):
    """Keeps what would be shown."""

    def __init__(self) -> None:
        super().__init__(in_place=False)
        self.words: list[str] = []

    def show(self, words: str) -> None:
        self.words.append(words)


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_wheel_is_counted_among_those_of_this_system() -> None:
    shown = Shown()
    assert follow(program(PIP), wheels(LOCK), shown) == 0
    assert shown.words == ["wheel 1 of 2: asyncpg", "wheel 2 of 2: redis", "unpacking 2 wheels"]


def test_a_silent_minute_of_unpacking_is_shown_too(tmp_path: Path) -> None:
    class Patient(Shown):
        """Lets the pip go on once it has been seen at work."""

        def show(self, words: str) -> None:
            super().show(words)
            if words.startswith("unpacking: "):
                (tmp_path / "seen").touch()

    shown = Patient()
    code = (
        "import pathlib, time\n"
        "print('Installing collected packages: a', flush=True)\n"
        f"while not pathlib.Path({str(tmp_path / 'seen')!r}).exists(): time.sleep(0.02)"
    )
    assert follow(program(code), 1000, shown) == 0
    assert shown.words[1].endswith(" of 1000")


def test_nothing_is_said_of_a_pip_that_went_well(capfd: pytest.CaptureFixture[str]) -> None:
    assert follow(program("print('Requirement already satisfied: a')"), 1, Progress(in_place=False)) == 0
    assert capfd.readouterr() == ("", "")


def test_a_failure_keeps_its_status_and_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    code = PIP + "import sys; print('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES'); sys.exit(7)"
    assert follow(program(code), 2, Progress(in_place=False)) == 7
    said = capfd.readouterr().err
    assert "DO NOT MATCH THE HASHES" in said
    assert "Ignoring" not in said


def test_outside_of_a_terminal_a_hundred_wheels_are_a_few_lines(capfd: pytest.CaptureFixture[str]) -> None:
    code = "for n in range(100): print(f'Collecting wheel-{n}==1')"
    assert follow(program(code), 100, Progress(in_place=False)) == 0
    assert capfd.readouterr().out == "  wheel 1 of 100: wheel-0\n"


def test_on_a_terminal_all_of_it_is_one_line_and_gone_at_the_end(tmp_path: Path) -> None:
    own, seen = pty.openpty()
    code = (
        "import sys; from scripts.install import Progress, follow\n"
        f"sys.exit(follow([sys.executable, '-c', {PIP!r}], 2, Progress(in_place=sys.stdout.isatty())))"
    )
    done = subprocess.run(program(code), stdout=seen, check=False)
    os.close(seen)
    said = os.read(own, 4096)
    os.close(own)
    assert done.returncode == 0
    assert b"\r\x1b[K  wheel 1 of 1: asyncpg" in said
    assert said.endswith(b"\r\x1b[K")
    assert b"\n" not in said


def test_a_pip_that_fails_ends_it_before_the_project_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.lock").write_text(LOCK)
    record = tmp_path / "steps"
    failing = (
        f"import sys; open({str(record)!r}, 'a').write(sys.argv[-1] + ' '); print('no network'); sys.exit(3)"
    )
    monkeypatch.setattr("scripts.install.PIP", tuple(program(failing)))
    assert main() == 3
    assert record.read_text() == "requirements.lock "
    assert "no network" in capfd.readouterr().err
