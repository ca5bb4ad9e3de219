"""Start a fresh process with a bundle, and see when its first verdict comes and what it weighs.

Run as a program it is that process; its one argument is JSON, its one line of output too.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the fresh process times how long loading takes
    from deploy.runtime.session import Provider

_RUNS = 5


@dataclass(frozen=True)
class Asked:
    """What a fresh process is to do: inspect an image, then run full batches.

    Attributes:
        bundle, image: Where they lie.
        threads: Threads of one run on the CPU; 0 takes what the process may use.
        batch: Images in one run.
    """

    bundle: str
    image: str
    provider: "Provider"
    threads: int
    batch: int


@dataclass(frozen=True)
class FreshStart:
    """What one fresh process measured; the median of several has the same form.

    Attributes:
        import_s: Loading the libraries.
        open_s: Reading and checking the bundle, opening the graph, one run to warm up.
        first_image_s: Reading and inspecting the first image.
        total_s: From starting the process to its first verdict; also holds Python's own start.
        peak_mib: The most memory it ever held, after some runs of a full batch; None where the
            system does not say.
    """

    import_s: float
    open_s: float
    first_image_s: float
    total_s: float
    peak_mib: float | None


def fresh_start(asked: Asked) -> FreshStart:
    """Start a process, and let it inspect an image and then batches.

    Raises:
        RuntimeError: The process failed; its own messages are on stderr.
    """
    command = [sys.executable, "-m", "deploy.bench.fresh_process", json.dumps(asdict(asked))]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it was asked for a pipe"
        process.stdout.readline()
        total_s = time.perf_counter() - started
        told = process.stdout.read()
    if process.returncode != 0:
        raise RuntimeError(f"a fresh process ended with code {process.returncode}")
    return FreshStart(total_s=round(total_s, 3), **json.loads(told))


def median_start(starts: Sequence[FreshStart]) -> FreshStart:
    """The median of each time; the highest peak."""
    times = {
        name: round(statistics.median(getattr(start, name) for start in starts), 3)
        for name in ("import_s", "open_s", "first_image_s", "total_s")
    }
    peaks = [start.peak_mib for start in starts if start.peak_mib is not None]
    return FreshStart(**times, peak_mib=max(peaks, default=None))


def _be_the_process(asked: Asked) -> None:
    started = time.perf_counter()
    import numpy as np

    from deploy.runtime.inspector import Inspector

    imported = time.perf_counter()
    inspector = Inspector.open(Path(asked.bundle), asked.provider, asked.threads)
    opened = time.perf_counter()
    fitted = inspector.fit(inspector.read(asked.image))
    inspector.inspect_fitted([fitted])
    done = time.perf_counter()
    print("verdict", flush=True)
    squares = np.stack([fitted.square] * asked.batch)
    for _ in range(_RUNS):
        inspector.graph.run(squares)
    told = {
        "import_s": round(imported - started, 3),
        "open_s": round(opened - imported, 3),
        "first_image_s": round(done - opened, 3),
        "peak_mib": _peak_mib(),
    }
    print(json.dumps(told))


def _peak_mib() -> float | None:
    """This process's own peak; what `getrusage` gives still holds that of the process before."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return None if peak is None else round(int(peak) / 1024, 1)


if __name__ == "__main__":
    _be_the_process(Asked(**json.loads(sys.argv[1])))
