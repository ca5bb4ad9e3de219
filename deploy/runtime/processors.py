"""How many processors this program may use: a container often has fewer than its machine."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_processors(quota: Path = _QUOTA) -> int:
    """Processors this process may run on: its affinity, and the quota of its container.

    Args:
        quota: The kernel's file with "MICROSECONDS PERIOD", or "max PERIOD" where there is none.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, _quota(quota) or allowed))


def graph_threads(asked: int) -> int:
    """Threads for one run of the graph on the CPU, as ONNX Runtime takes them.

    0 leaves it to ONNX Runtime, which takes every core of the machine. That is right only where
    all of them may be used: with more threads than processors, each waits for the others.

    Args:
        asked: What the user wants; 0 for what fits this machine.
    """
    if asked:
        return asked
    usable = usable_processors()
    return usable if usable < (os.cpu_count() or 1) else 0


def _quota(file: Path) -> int | None:
    try:
        amount, period = file.read_text(encoding="ascii").split()
        return max(1, int(amount) // int(period))
    except (OSError, ValueError):
        return None
