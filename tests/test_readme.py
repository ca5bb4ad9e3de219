"""The README and the program name the same commands."""

import re
from pathlib import Path

import pytest

from inspect_app.cli.main import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_line_in_the_readme(command: str) -> None:
    assert re.search(rf"\binspect {command}\b", README)


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"(?:^|`|\n\s*)inspect ([a-z][a-z-]*)", README))
    assert named <= set(COMMANDS)
