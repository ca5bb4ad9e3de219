"""Feed damaged images and bundles to the readers, and keep whatever they cannot take.

    python benchmarks/fuzz_inputs.py --bundle BUNDLE --out FINDINGS [--minutes 10] [--seed 0]

An image must give RGB pixels or an ImageError; a bundle must open or give an InputError. Anything
else is a finding: another exception, a crash of the process, more than 5 seconds or more than 1 GiB
for one input. FINDINGS gets each input with its traceback, and `summary.json` with the counts. The
readers run in a process of their own, which is started again after a crash.

Exit codes: 0 nothing found, 4 something was.
"""

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fuzz_mutations import bundle_seed, damaged, damaged_bundle, image_seeds

from deploy.bundle.read import open_bundle, read_examples
from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import decode_image

_SLOW_S = 5
_MOST_BYTES = 1 << 30
_WINDOW = (0, 65535)
_FEW_PIXELS = 4_000_000
Target = Callable[[random.Random], str]


class TooSlow(BaseException):
    """An input took too long; no reader may take it for a damaged file."""


def image_target(folder: Path) -> tuple[Target, Path]:
    """What reads one damaged image, and where it leaves the image first."""
    seeds, last = image_seeds(), folder / "last.image"

    def run(chance: random.Random) -> str:
        content = damaged(chance.choice(seeds), chance, seeds)
        last.write_bytes(content)
        window = _WINDOW if chance.random() < 0.7 else None
        try:
            image = decode_image(content, "a.png", window=window, max_pixels=_FEW_PIXELS)
        except ImageError as problem:
            str(problem).encode()
            return "refused"
        assert image.dtype == "uint8"
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert image.size > 0
        return "read"

    return run, last


def bundle_target(bundle: Path, folder: Path) -> tuple[Target, Path]:
    """What opens one damaged bundle and reads its examples, and where it leaves it first."""
    files, last = bundle_seed(bundle), folder / "last.zip"

    def run(chance: random.Random) -> str:
        last.write_bytes(damaged_bundle(files, chance))
        try:
            read_examples(open_bundle(last))
        except InputError as problem:
            str(problem).encode()
            return "refused"
        return "read"

    return run, last


def work(folder: Path, bundle: Path, seed: int, seconds: float) -> None:
    """Feed inputs, the two kinds in turn, and print one line of JSON for each finding."""
    warnings.simplefilter("ignore")  # decoders warn about what they then refuse
    targets = {"image": image_target(folder), "bundle": bundle_target(bundle, folder)}
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts: Counter[str] = Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for kind, (run, last) in targets.items():
            number += 1
            found = ""
            signal.alarm(_SLOW_S)
            try:
                counts[f"{kind} {run(random.Random(f'{seed} {number}'))}"] += 1
            except (Exception, TooSlow):
                found = traceback.format_exc()
            finally:
                signal.alarm(0)
            now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            if not found and now - used > _MOST_BYTES:
                found = f"{now - used:,} bytes more than before"
            used = max(used, now)
            if found:
                keep(folder, last, f"{seed}-{number}", found)
                counts[f"{kind} finding"] += 1
    print(json.dumps(counts), flush=True)


def keep(folder: Path, last: Path, name: str, found: str) -> None:
    """Keep an input with what it did; of the same traceback only the first."""
    reason = found.strip().splitlines()
    line = "".join(reason[-3:])[-200:]
    seen = folder / "seen.txt"
    known = seen.read_text().splitlines() if seen.exists() else []
    if line in known:
        return
    seen.write_text("\n".join([*known, line]) + "\n")
    (folder / f"{name}{last.suffix}").write_bytes(last.read_bytes())
    (folder / f"{name}.txt").write_text(found)


def fuzz(folder: Path, bundle: Path, seed: int, minutes: float) -> dict[str, int]:
    """Run workers until the time is over; a worker that dies is a finding too."""
    counts: Counter[str] = Counter()
    end, attempt = time.monotonic() + minutes * 60, 0
    while (left := end - time.monotonic()) > 0:
        command = [sys.executable, __file__, "--bundle", str(bundle), "--out", str(folder)]
        command += ["--seed", str(seed + attempt), "--work", str(left)]
        with (folder / "said.txt").open("w") as said:  # decoders complain there, at length
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=said, text=True, check=False
            )
        attempt += 1
        if done.returncode == 0:
            counts.update(json.loads(done.stdout))
            continue
        last_words = (folder / "said.txt").read_text(errors="replace")[-2000:]
        for last in folder.glob("last.*"):
            name = f"crash-{attempt}-{last.suffix[1:]}"
            keep(folder, last, name, f"{last_words}\n{name}: exit {done.returncode}")
        counts["crash"] += 1
    return dict(sorted(counts.items()))


def main() -> int:
    """Read the command line, run, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="a bundle that is right")
    parser.add_argument("--out", type=Path, required=True, help="folder of the findings")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.work is not None:
        signal.signal(signal.SIGALRM, _too_slow)
        work(chosen.out, chosen.bundle, chosen.seed, chosen.work)
        return 0
    counts = fuzz(chosen.out, chosen.bundle, chosen.seed, chosen.minutes)
    (chosen.out / "summary.json").write_text(json.dumps(counts, indent=1) + "\n")
    print(json.dumps(counts, indent=1))
    return 4 if any("finding" in name or name == "crash" for name in counts) else 0


def _too_slow(*_: object) -> None:
    raise TooSlow(f"more than {_SLOW_S} s for one input")


if __name__ == "__main__":
    sys.exit(main())
