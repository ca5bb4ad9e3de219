"""Try out what a machine has: versions, ONNX Runtime's processors, torch, disk, a browser."""

import base64
import importlib.util
import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from span_train.contract.errors import InspectionError

State = Literal["ok", "absent", "problem"]
_SIGNS: dict[State, str] = {"ok": "ok     ", "absent": "absent ", "problem": "PROBLEM"}

_PROJECT = "inspect-span"
_TRIAL_BYTES = 32 << 20
_SLOW_MB_S = 20.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
# A graph with one node, y = x * x, so that a provider shows that it computes.
_SQUARE_GRAPH = base64.b64decode(
    "CAgSADo8Cg4KAXgKAXgSAXkiA011bBIGc3F1YXJlWhAKAXgSCwoJCAESBQoDEgFuYhAKAXkSCwoJCAESBQoDEgFuQgQK"
    "ABAR"
)


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What was looked at.
        state: `ok`; `absent` where a machine may do without it; `problem` where it may not.
        found: What was found.
        advice: What to do, or nothing.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def check_machine(folder: Path) -> tuple[Check, ...]:
    """Everything in turn; nothing is changed."""
    return (
        Check("machine", "ok", f"{platform.platform()}, {os.cpu_count()} cores"),
        Check("python", "ok", platform.python_version()),
        *(_package(name, needed=True) for name in required_packages()),
        _runtime_package(),
        _provider("cpu"),
        _provider("cuda"),
        *(_package(name, needed=False) for name in required_packages("train")),
        _torch_device(),
        _folder(folder),
        _disk(folder),
        _browser(),
    )


def as_lines(checks: Sequence[Check]) -> list[str]:
    """A line a check, and its advice below it."""
    lines = []
    for check in checks:
        lines.append(f"{_SIGNS[check.state]} {check.name}: {check.found}")
        if check.advice:
            lines.append(f"        -> {check.advice}")
    return lines


def as_json_text(checks: Sequence[Check]) -> str:
    """Whether the machine is ready, and every check, as one JSON line."""
    ready = all(check.state != "problem" for check in checks)
    return json.dumps({"ready": ready, "checks": [asdict(check) for check in checks]})


def required_packages(extra: str = "") -> tuple[str, ...]:
    """The packages that the project's own metadata asks for, or one of its extras; not onnxruntime,
    which has two that exclude each other.
    """
    found = set()
    for line in requires(_PROJECT) or ():
        name = re.match(r"[A-Za-z0-9._-]+", line)
        of_extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        if name and (of_extra[1] if of_extra else "") == extra:
            found.add(name[0].lower())
    return tuple(sorted(name for name in found if not name.startswith("onnxruntime")))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _package(name: str, needed: bool) -> Check:
    found = _installed(name)
    if found is not None:
        return Check(name, "ok", found)
    if needed:
        return Check(name, "problem", "not installed", "install again: pip install inspect-span")
    advice = "only for training: pip install 'inspect-span[train]'"
    return Check(name, "absent", "not installed", advice)


def _runtime_package() -> Check:
    found = {
        name: number
        for name in ("onnxruntime-gpu", "onnxruntime")
        if (number := _installed(name)) is not None
    }
    text = ", ".join(f"{name} {number}" for name, number in found.items()) or "not installed"
    if len(found) > 1:
        advice = "they overwrite each other: uninstall both, then install inspect-span again"
        return Check("onnxruntime", "problem", text, advice)
    if not found:
        return Check("onnxruntime", "problem", text, "install again: pip install inspect-span")
    return Check("onnxruntime", "ok", text)


def _provider(wanted: Literal["cpu", "cuda"]) -> Check:
    """Run a tiny graph there: a provider that is only listed may still not work."""
    name = f"runs on {wanted}"
    try:
        import numpy as np

        from deploy.runtime.session import open_session

        graph = open_session(_SQUARE_GRAPH, wanted, threads=1)
        (squares,) = graph.session.run(None, {"x": np.array([3.0], np.float32)})
    except (ImportError, InspectionError) as problem:
        if wanted == "cuda":
            return Check(name, "absent", "no", f"{problem}" if _has_nvidia() else "")
        return Check(name, "problem", f"no: {problem}", "install again: pip install inspect-span")
    if squares[0] != 9.0:
        return Check(name, "problem", "a wrong result", "install onnxruntime again")
    return Check(name, "ok", "yes")


def _has_nvidia() -> bool:
    return shutil.which("nvidia-smi") is not None


def _torch_device() -> Check:
    if importlib.util.find_spec("torch") is None:
        return Check("trains on", "absent", "no torch, so this machine does not train")
    import torch

    if torch.cuda.is_available():
        return Check("trains on", "ok", torch.cuda.get_device_name(0))
    advice = "torch does not see the GPU: check the NVIDIA driver" if _has_nvidia() else ""
    return Check("trains on", "ok", f"CPU, {torch.get_num_threads()} threads", advice)


def _folder(folder: Path) -> Check:
    name = f"folder {folder.resolve()}"
    existing = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=existing) as trial:
            trial.write(b"trial")
        free_gb = shutil.disk_usage(existing).free / 1e9
    except OSError as problem:
        advice = "choose another folder, or ask for the right to write there"
        return Check(name, "problem", f"cannot be written to ({problem.strerror})", advice)
    return Check(name, "ok", f"can be written to, {free_gb:.0f} GB free")


def _existing(folder: Path) -> Path:
    whole = folder.resolve()
    return next(place for place in (whole, *whole.parents) if place.exists())


def _disk(folder: Path) -> Check:
    """How fast results are written for good: 32 MiB, until the disk says that it has them."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as trial:
            block = os.urandom(1 << 20)
            start = time.perf_counter()
            for _ in range(_TRIAL_BYTES // len(block)):
                trial.write(block)
            trial.flush()
            os.fsync(trial.fileno())
            speed_mb_s = _TRIAL_BYTES / 1e6 / max(time.perf_counter() - start, 1e-6)
    except OSError as problem:
        return Check("disk", "absent", f"not measured ({problem.strerror})")
    slow = "slow: overlays, maps and caches will wait; choose a local disk"
    return Check("disk", "ok", f"writes {speed_mb_s:.0f} MB/s", slow * (speed_mb_s < _SLOW_MB_S))


def _browser() -> Check:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        advice = "the station opens in any browser, also from another PC in the network"
        return Check("browser", "absent", "none found", advice)
    return Check("browser", "ok", found)
