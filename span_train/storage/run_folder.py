"""The folder a run leaves behind: settings, facts about machine and code, and what was measured."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from span_train.contract.errors import RunError

_LIBRARIES = ("inspect-span", "torch", "timm", "numpy", "opencv-python", "onnx", "onnxruntime-gpu")


def create_run(folder: Path, kind: str) -> None:
    """Make an empty folder for a new run.

    Raises:
        RunError: It already holds something, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunError(
                f"{folder}: is not empty; choose another --out for this {kind} run"
                + (", or go on with --resume." if kind == "pretrain" else ".")
            )
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise RunError(f"{folder}: cannot be written ({problem}); choose another --out.") from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON by way of a temporary file, so that a reader never sees half of it."""
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_json(path: Path) -> Any:
    """Read JSON from a run.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RunError(f"{path}: cannot be read ({problem}); is this a finished run?") from None


def describe_machine() -> dict[str, Any]:
    """What a run needs to be understood later: time, commit, versions, processor."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count()},
    }


def git_commit() -> str | None:
    """The commit of this source tree, or None where it is installed without one."""
    git = shutil.which("git")
    here = Path(__file__).resolve().parent
    if git is None or not any((folder / ".git").exists() for folder in here.parents):
        return None
    done = subprocess.run(
        [git, "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
