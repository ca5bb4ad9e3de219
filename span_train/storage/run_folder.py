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
from span_train.storage.durable import write_durably

# In the folder of a run from the first moment on; without `run.json` beside it, the run was
# stopped before its first step.
STARTED = ".started"
_RESUMABLE = ("pretrain",)
_LIBRARIES = ("inspect-span", "torch", "timm", "numpy", "opencv-python", "onnx", "onnxruntime-gpu")


def create_run(folder: Path, kind: str) -> None:
    """Make an empty folder for a new run; one that can be resumed gets a sign of its start.

    Raises:
        RunError: It already holds something, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunError(
                f"{folder}: is not empty; choose another --out for this {kind} run"
                + (", or go on with --resume." if kind in _RESUMABLE else ".")
            )
        probe = folder / STARTED
        probe.touch()
        if kind not in _RESUMABLE:
            probe.unlink()
    except OSError as problem:
        raise RunError(f"{folder}: cannot be written ({problem}); choose another --out.") from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that neither a reader nor a crash ever meets half of it."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text so that neither a reader nor a crash ever meets half of it.

    Raises:
        RunError: It cannot be written.
    """
    try:
        write_durably(path, lambda file: file.write_text(text, encoding="utf-8"))
    except OSError as problem:
        raise RunError(f"{path}: cannot be written ({problem}); free space.") from None


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
