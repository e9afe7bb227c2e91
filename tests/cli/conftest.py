"""Running command lines in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skelact.cli import main

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample.mp4"


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def skelact(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Finished]:
    """Runs `skelact ARGUMENTS...` in an empty folder with an empty cache."""
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Finished:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Finished(int(stopped.value.code or 0), out, err)

    return run
