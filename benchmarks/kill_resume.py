"""Kill a pretraining at random moments, resume it each time, and compare with one left alone.

    python benchmarks/kill_resume.py [LINE.yaml] [--kills 10] [--seed 0] [--set KEY=VALUE…]
                                     [--out FILE.json]

Without a line, a small one is drawn. Every kill is a SIGKILL to the real command, at a moment
anywhere between its start and its end: while it decodes images, in a step, while it writes a
checkpoint. Exit code 0 where the final weights are equal bit for bit, else 1.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from where_it_ran import in_words, where_it_ran

from span_train.data.demo_data import draw_line
from span_train.storage.checkpoint import load_checkpoint
from span_train.storage.run_folder import STARTED, write_json

# Small enough for minutes, with a checkpoint every few steps so that kills fall into writing too.
SMALL = (
    "model.width=96",
    "model.depth=3",
    "pretrain.steps=600",
    "pretrain.batch_size=16",
    "pretrain.checkpoint_every=5",
    "pretrain.device=cpu",
)
_WEIGHTS = ("checkpoint.safetensors", "backbone.safetensors")


@dataclass
class Outcome:
    """What happened.

    Attributes:
        whole_s: Seconds of the run that was left alone.
        startup_s: Seconds it took until its first checkpoint.
        killed_after_s: Of each kill, since the command started.
        steps_done: Steps in the checkpoint after each kill; -1 before there was a run.
        equal: Whether all final tensors are equal bit for bit.
    """

    whole_s: float
    startup_s: float
    killed_after_s: list[float] = field(default_factory=list)
    steps_done: list[int] = field(default_factory=list)
    equal: bool = False


def main() -> int:
    """Run, kill, resume, compare."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "line").mkdir()
        line = asked.line or draw_line(here / "line", seed=1, unlabelled=200)
        outcome = measure(line, here, asked.kills, asked.seed, tuple(asked.overrides))
    print(*in_words(where_it_ran()), sep="\n")
    print(f"left alone: {outcome.whole_s:.1f} s, {outcome.startup_s:.1f} s to the first checkpoint")
    for after_s, steps in zip(outcome.killed_after_s, outcome.steps_done, strict=True):
        print(f"killed after {after_s:5.1f} s, {max(steps, 0)} steps saved")
    print("final weights equal bit for bit" if outcome.equal else "final weights DIFFER")
    if asked.out is not None:
        write_json(asked.out, {**asdict(outcome), **where_it_ran()})
    return 0 if outcome.equal else 1


def measure(
    line: Path, folder: Path, kills: int, seed: int, overrides: tuple[str, ...] = ()
) -> Outcome:
    """Two runs of one line below `folder`: one left alone, one killed so many times."""
    whole, cut = folder / "whole", folder / "cut"
    outcome = _left_alone(_run(line, whole, overrides), whole)
    training_s = outcome.whole_s - outcome.startup_s
    draws = random.Random(seed)
    while len(outcome.killed_after_s) < kills:
        after_s = draws.uniform(0.0, outcome.startup_s + 2 * training_s / kills)
        command = _run(line, cut, overrides)
        try:
            command.wait(timeout=after_s)
            break  # it was faster than the kill
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
        outcome.killed_after_s.append(round(after_s, 2))
        outcome.steps_done.append(_steps_done(cut))
    last = _run(line, cut, overrides)
    if last.wait() != 0:
        raise SystemExit(f"the resumed run ended with exit code {last.returncode}")
    outcome.equal = all(_same(whole / name, cut / name) for name in _WEIGHTS)
    return outcome


def _left_alone(command: subprocess.Popen[bytes], out: Path) -> Outcome:
    started, startup_s = time.monotonic(), 0.0
    while command.poll() is None:
        if not startup_s and (out / _WEIGHTS[0]).is_file():
            startup_s = time.monotonic() - started
        time.sleep(0.05)
    if command.returncode != 0:
        raise SystemExit(f"the run left alone ended with exit code {command.returncode}")
    return Outcome(time.monotonic() - started, startup_s)


def _run(line: Path, out: Path, overrides: tuple[str, ...]) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "inspect_app.cli.main", "pretrain", str(line)]
    changes = [part for one in (*SMALL, *overrides) for part in ("--set", one)]
    resume = ["--resume"] if (out / STARTED).is_file() else []
    return subprocess.Popen(
        [*program, "--out", str(out), *changes, *resume],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _steps_done(run: Path) -> int:
    checkpoint = run / _WEIGHTS[0]
    return int(load_checkpoint(checkpoint)[1]["step"]) if checkpoint.is_file() else -1


def _same(one: Path, other: Path) -> bool:
    first, second = load_checkpoint(one)[0], load_checkpoint(other)[0]
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("line", nargs="?", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
