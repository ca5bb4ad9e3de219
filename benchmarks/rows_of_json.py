"""Write JSON that a person can read and git can compare: one row of numbers a line."""

import json
from pathlib import Path
from typing import Any


def write_rows(file: Path, content: Any) -> None:
    """Write it whole or not at all, into a folder that is made if missing.

    Raises:
        ValueError: A number is not finite.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.partial")
    unfinished.write_text(as_rows(content) + "\n", encoding="utf-8")
    unfinished.replace(file)


def as_rows(content: Any, indent: int = 0) -> str:
    """JSON text in which lists without lists in them, and empty things, stay on one line."""
    inner, outer = " " * (indent + 1), " " * indent
    if isinstance(content, dict) and content:
        lines = [
            f"{json.dumps(key)}: {as_rows(value, indent + 1)}" for key, value in content.items()
        ]
        return "{\n" + ",\n".join(inner + line for line in lines) + f"\n{outer}}}"
    if isinstance(content, list) and any(isinstance(one, list | dict) for one in content):
        lines = [as_rows(value, indent + 1) for value in content]
        return "[\n" + ",\n".join(inner + line for line in lines) + f"\n{outer}]"
    return json.dumps(content, allow_nan=False)


def without_paths(settings: Any) -> Any:
    """Settings as they are, but of each path only its last name."""
    if isinstance(settings, dict):
        return {key: without_paths(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [without_paths(value) for value in settings]
    is_path = isinstance(settings, str) and settings.startswith("/")
    return Path(settings).name if is_path else settings
