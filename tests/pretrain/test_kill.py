"""Killed at random moments and resumed, a run ends with the very weights of one left alone."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from span_train.contract.settings import LineSettings, dump_settings
from span_train.pretrain.journal import read_metrics
from span_train.pretrain.run import pretrain
from span_train.storage.checkpoint import load_checkpoint
from tests.pretrain.same_run import check_same_run

TinyLine = Callable[..., LineSettings]
KILLS = 8

# One process imports everything and forks a child for each attempt: imports would take most of it.
_PROGRAM = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from span_train.contract.settings import read_settings
from span_train.pretrain.run import pretrain
from span_train.storage.run_folder import STARTED

line, whole, cut, kills = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
settings = read_settings(line)

def attempt(out, after_s):
    child = os.fork()
    if child == 0:
        pretrain(settings, out, resume=(out / STARTED).is_file())
        os._exit(0)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

started = time.monotonic()
assert attempt(whole, None) == 0
whole_s = time.monotonic() - started
draws = random.Random(0)
ended = [attempt(cut, draws.uniform(0.0, 0.25 * whole_s)) for _ in range(kills)]
print("killed", ended.count(signal.SIGKILL), flush=True)
print("then", attempt(cut, None), flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_weights(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    line, whole, cut = tmp_path / "line.yaml", tmp_path / "whole", tmp_path / "cut"
    settings = tiny_line("pretrain.steps=40", "pretrain.checkpoint_every=1")
    line.write_text(dump_settings(settings), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, line, whole, cut, str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "then 0\n" in done.stdout, done.stderr
    killed = int(done.stdout.partition("killed ")[2].split()[0])
    assert killed >= 3, "the kills came too late to tell"
    for file in ("backbone.safetensors", "checkpoint.safetensors"):
        found, expected = load_checkpoint(cut / file)[0], load_checkpoint(whole / file)[0]
        assert found.keys() == expected.keys()
        assert [name for name in expected if not torch.equal(found[name], expected[name])] == []
    losses = [[report.loss for report in read_metrics(run)] for run in (cut, whole)]
    assert losses[0] == losses[1]
    leftovers = [path.name for path in cut.rglob("*") if "unfinished" in path.name]
    assert leftovers == []


_KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from span_train.contract.settings import read_settings
from span_train.pretrain import run
from span_train.storage import checkpoint

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_step_3(report, steps, parts):
    if report.step == 3:
        die()

def die_half_way(tensors, path, metadata):
    if '"step": 4' in metadata["state"]:
        Path(path).write_bytes(b"half a file")
        die()
    save_file(tensors, path, metadata)

def run_and_die(place):
    if place == "checkpoint":
        checkpoint.save_file = die_half_way
    run.pretrain(
        read_settings(Path(sys.argv[1])),
        Path(sys.argv[2]) / place,
        on_report=die_at_step_3 if place == "step" else None,
    )

save_file = checkpoint.save_file
for place in ("step", "checkpoint"):
    child = os.fork()
    if child == 0:
        run_and_die(place)
        os._exit(0)
    print(place, "killed by signal", os.WTERMSIG(os.waitpid(child, 0)[1]))
"""


def test_a_killed_run_goes_on_exactly(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "line.yaml"
    settings.write_text(dump_settings(tiny_line()), encoding="utf-8")
    command = [sys.executable, "-c", _KILLED, settings, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for place in ("step", "checkpoint"):
        assert f"{place} killed by signal {signal.SIGKILL.value}\n" in done.stdout, done.stderr
        run = tmp_path / place
        assert load_checkpoint(run / "checkpoint.safetensors")[1] == {"step": 2}
        assert not (run / "backbone.safetensors").exists()
        pretrain(tiny_line(), run, resume=True)
        check_same_run(run, pretrained_run)
