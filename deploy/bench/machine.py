"""Say on which machine, and with which versions, something was measured; nothing else about it."""

import os
from pathlib import Path
from typing import Any

from span_train.storage.run_folder import describe_machine


def where_it_ran() -> dict[str, Any]:
    """Time, commit, versions, system, processor and memory."""
    described = describe_machine()
    machine = described["machine"] | {"processor": _processor(), "memory_gib": _memory_gib()}
    return described | {"machine": machine}


def in_words(where: dict[str, Any]) -> list[str]:
    """The same as five lines: machine, system, versions, commit, time."""
    machine, versions = where["machine"], where["versions"]
    memory = machine["memory_gib"]
    return [
        f"{machine['processor']}, {machine['cpus']} processors"
        + (f", {memory} GiB memory" if memory else ""),
        f"{machine['system']}",
        ", ".join(f"{name} {number}" for name, number in versions.items()),
        f"commit {where['git_commit'] or 'unknown'}",
        where["created"],
    ]


def load() -> float | None:
    """Programs that wanted a processor in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown processor"


def _memory_gib() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return round(int(value.split()[0]) / 2**20)
    return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
