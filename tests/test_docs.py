"""The documents say what the program does: their Python runs, their commands and files exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from skelact.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


EXAMPLES = [
    pytest.param(code, id=f"{document.name} {number}")
    for document in DOCUMENTS
    for number, code in enumerate(blocks(document, "python"), 1)
]
COMMANDS = [
    pytest.param(line, id=line[:60])
    for document in DOCUMENTS
    for block in blocks(document, "sh")
    for line in block.replace("\\\n", " ").splitlines()
    if re.search(r"(^|\| )skelact ", line)
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "assets" / "sample.mp4", tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_understood(line: str) -> None:
    """Every option and every value that can be told without a file is one there is."""
    words = shlex.split(line, comments=True)
    words = words[words.index("skelact") + 1 :]
    command = typer.main.get_command(app)
    while commands := getattr(command, "commands", {}):
        name = next(word for word in words if not word.startswith("-"))
        words.remove(name)
        assert name in commands
        command = commands[name]
    command.make_context(command.name, words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_to_files(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target
