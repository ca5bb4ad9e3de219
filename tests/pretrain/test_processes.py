"""Two real processes with one global batch follow one process, and stop together."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch

from span_train.contract.errors import DeviceError
from span_train.contract.settings import LineSettings, dump_settings
from span_train.pretrain import processes as module
from span_train.pretrain.journal import read_metrics
from span_train.pretrain.processes import Processes, alone, split_rows
from span_train.pretrain.run import pretrain
from span_train.storage.checkpoint import load_checkpoint

TinyLine = Callable[..., LineSettings]
STEPS = 12
# Batches that two processes cannot share evenly, parts that are in view of one and not the other.
RUNS = {
    "masked": ("pretrain.batch_size=7", "pretrain.feature_spread=0.05"),
    "dino": (
        "pretrain.objective=dino",
        "pretrain.dino.outputs=64",
        "pretrain.dino.local_views=1",
        "pretrain.batch_size=9",
        "pretrain.accumulate=2",
    ),
}
_PROGRAM = """
import os, sys, torch
from pathlib import Path
from span_train.contract.errors import InspectionError, RunError
from span_train.contract.settings import read_settings
from span_train.pretrain.processes import Processes
from span_train.pretrain.run import pretrain

torch.set_num_threads(1)
folder, ports = Path(sys.argv[1]), iter(sys.argv[2:])

def meet():  # at a new place each time, as new runs do
    os.environ["MASTER_PORT"] = next(ports)

for name in ("masked", "dino"):
    meet()
    health = pretrain(read_settings(folder / f"{name}.yaml"), folder / f"{name}-two")
    print("finished", name, health["steps"], flush=True)

def stops(work):
    meet()
    try:
        with Processes.join("cpu") as processes:
            work(processes)
    except InspectionError as problem:
        print(type(problem).__name__, problem, flush=True)

def fails_in(rank, processes):
    if processes.rank == rank:
        raise RunError(f"no luck in {rank}, é")
    return "fine"

stops(lambda processes: processes.first(lambda: fails_in(0, processes)))
stops(lambda processes: processes.together(lambda: fails_in(1, processes)))
stops(lambda processes: print("said", processes.first(lambda: "grüß dich"), flush=True))
"""


def settings_of(name: str, tiny_line: TinyLine) -> LineSettings:
    return tiny_line(f"pretrain.steps={STEPS}", "pretrain.checkpoint_every=5", *RUNS[name])


def start(program: list[object], rank: int) -> subprocess.Popen[str]:
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    where = {"MASTER_ADDR": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, *map(str, program)],
        env={**os.environ, **place, **where},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]


@pytest.fixture(scope="module")
def two(
    tiny_line: TinyLine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[str, str]]:
    """The folder with both runs of two processes, and what each process said."""
    folder = tmp_path_factory.mktemp("two")
    for name in RUNS:
        text = dump_settings(settings_of(name, tiny_line))
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    ports = free_ports(5)
    both = [start(["-c", _PROGRAM, folder, *ports], rank) for rank in (0, 1)]
    try:
        ended = [one.communicate(timeout=300) for one in both]
    finally:
        for one in both:
            one.kill()
    for one, (_, said) in zip(both, ended, strict=True):
        assert one.returncode == 0, said
    return folder, (ended[0][0], ended[1][0])


Two = tuple[Path, tuple[str, str]]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_two_processes_follow_one(name: str, two: Two, tiny_line: TinyLine, tmp_path: Path) -> None:
    alone_run, two_run = tmp_path / "one", two[0] / f"{name}-two"
    whole = settings_of(name, tiny_line)
    in_one_go = whole.pretrain.model_copy(update={"accumulate": 1})
    pretrain(whole.model_copy(update={"pretrain": in_one_go}), alone_run)
    pairs = list(zip(read_metrics(two_run), read_metrics(alone_run), strict=True))
    assert len(pairs) == STEPS
    for found, expected in pairs:
        for number in ("loss", "objective_loss", "prior_loss", "gradient_norm", "adherence"):
            one, other = getattr(found, number), getattr(expected, number)
            # what rounding does to a gradient grows from step to step, and faster than the loss
            share = 1e-3 if number == "gradient_norm" else 1e-4
            assert one == pytest.approx(other, rel=share, abs=1e-6), (found.step, number)
        assert found.health == pytest.approx(
            expected.health, rel=1e-3, abs=1e-5
        )  # log of small distances
    weights, expected_weights = (
        load_checkpoint(run / "backbone.safetensors")[0] for run in (two_run, alone_run)
    )
    for place, tensor in expected_weights.items():
        if not place.endswith("qkv.bias"):  # no loss depends on keys' biases: Adam follows rounding
            torch.testing.assert_close(weights[place], tensor, rtol=1e-3, atol=1e-4, msg=place)


@pytest.mark.slow
def test_only_the_first_process_writes_and_all_know_the_result(two: Two) -> None:
    folder, (first, second) = two
    for said in (first, second):
        assert f"finished masked {STEPS}\nfinished dino {STEPS}\n" in said
    for name in RUNS:
        events = list((folder / f"{name}-two" / "tensorboard").iterdir())
        assert len(events) == 1
        assert not list((folder / f"{name}-two").rglob("*partial*"))


@pytest.mark.slow
def test_an_error_in_one_process_stops_both_with_its_message(two: Two) -> None:
    first, second = two[1]
    assert "RunError no luck in 0, é\n" in first
    assert "StoppedByAnother process 0: no luck in 0, é\n" in second
    assert "RunError process 1: no luck in 1, é\n" in first
    assert "StoppedByAnother no luck in 1, é\n" in second


@pytest.mark.slow
def test_what_the_first_process_says_reaches_the_others(two: Two) -> None:
    assert all("said grüß dich\n" in said for said in two[1])


@pytest.mark.slow
def test_under_torchrun_a_mistake_is_said_once_and_ends_all(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    line = tmp_path / "line.yaml"
    line.write_text(dump_settings(tiny_line("model.heads=4")), encoding="utf-8")
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port"]
    command = ["-m", "inspect_app.cli.main", "pretrain", line, "--out", tmp_path / "run"]
    done = subprocess.run(
        [sys.executable, *map(str, [*launcher, *free_ports(1), *command])],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode != 0
    assert done.stderr.count("inspect: the layout has 4 parts") == 1
    assert "4 heads can hold 2" in done.stderr


@pytest.mark.parametrize(
    ("rows", "parts", "expected"),
    [
        (slice(0, 7), 3, [(0, 3), (3, 5), (5, 7)]),
        (slice(4, 8), 2, [(4, 6), (6, 8)]),
        (slice(0, 5), 1, [(0, 5)]),
    ],
)
def test_rows_are_divided_nearly_evenly_in_order(
    rows: slice, parts: int, expected: list[tuple[int, int]]
) -> None:
    assert [(part.start, part.stop) for part in split_rows(rows, parts)] == expected


def test_one_process_has_nothing_to_exchange() -> None:
    one = alone(torch.device("cpu"))
    tensor = torch.arange(3.0)
    assert one.sum(tensor) is tensor
    assert one.first(lambda: "done") == "done"
    assert one.is_first


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "choose_device", lambda asked: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match="process 1 of this machine finds 1 GPUs"):
        Processes.join("cuda")
