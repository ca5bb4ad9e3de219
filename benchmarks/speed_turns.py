"""Let several trainings take turns, each in a process of its own, and time each of them.

Whatever else the machine does then meets all of them alike.
"""

import multiprocessing
import os
import resource
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from span_train.contract.errors import InputError, InspectionError
from span_train.contract.settings import LineSettings, settings_from_dict

OURS, LIGHTLY = "ours", "lightly"
_WARM_UP_STEPS = 2


@dataclass
class Entry:
    """One contestant and what was measured of it.

    Attributes:
        name: In the table.
        kind: `ours` or `lightly`.
        changes: To the line's settings, by dotted key.
        workers: Of lightly's loader.
        rates: Images a second, one a round.
        waiting: Share of the time waiting for data, one a round.
        facts: What it told at its end.
    """

    name: str
    kind: str
    changes: dict[str, Any] = field(default_factory=dict)
    workers: int = 0
    rates: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Median images a second."""
        return statistics.median(self.rates)


def measure(entries: Sequence[Entry], raw: dict[str, Any], rounds: int, steps: int) -> None:
    """Let all take turns, and fill their rates, shares and facts.

    Args:
        entries: The contestants.
        raw: The line's settings as a mapping.
        rounds: How often each is measured, after a round that warms up.
        steps: Steps a round.

    Raises:
        InputError: A contestant cannot start, or ends early.
    """
    for entry in entries:
        line_of(raw, entry.changes)  # what is wrong shows now, and not in some process
    spawn = multiprocessing.get_context("spawn")
    running: list[tuple[Entry, Any, Connection]] = []
    try:
        for entry in entries:
            ours, theirs = spawn.Pipe()
            inputs = (theirs, entry.kind, entry.workers, raw, entry.changes)
            process: Any = spawn.Process(target=serve, args=inputs)
            process.start()
            theirs.close()
            running.append((entry, process, ours))
            asked_for(entry, ours, _WARM_UP_STEPS)  # now, so that starting disturbs nobody
            _signal(process.pid, signal.SIGSTOP)
        batch = raw["pretrain"]["batch_size"]
        for turn in range(rounds + 1):
            for entry, process, ours in running:
                _signal(process.pid, signal.SIGCONT)
                seconds, waiting_s = asked_for(entry, ours, steps)
                _signal(process.pid, signal.SIGSTOP)
                if turn:
                    entry.rates.append(batch * steps / seconds)
                    entry.waiting.append(waiting_s / seconds)
            print(f"round {turn} of {rounds}", file=sys.stderr, flush=True)
        for entry, process, ours in running:
            _signal(process.pid, signal.SIGCONT)
            entry.facts = asked_for(entry, ours, 0)
    finally:
        for _, process, ours in running:
            _end(process, ours)


def serve(
    link: Connection, kind: str, workers: int, raw: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Be one contestant: run as many steps as asked for; 0 asks for the facts and ends."""
    from speed_contestants import Lightly, Ours  # torch, in this process alone

    with tempfile.TemporaryDirectory() as folder:
        try:
            settings = line_of(raw, changes)
            one = Ours(settings, Path(folder)) if kind == OURS else Lightly(settings, workers)
            while steps := link.recv():
                link.send(tuple(one.run(steps)))
            facts = peak_memory(one.device.type) | {"device": device_name(one.device.type)}
            if isinstance(one, Ours):
                facts["flops_an_image"] = one.flops_a_step() / settings.pretrain.batch_size
            link.send(facts)
        except EOFError:
            pass  # the other end has gone
        except (InspectionError, ImportError) as problem:
            link.send(problem)


def asked_for(entry: Entry, link: Any, steps: int) -> Any:
    """Send a request, and wait for its answer."""
    try:
        link.send(steps)
        answer = link.recv()
    except (EOFError, ConnectionError):
        raise InputError(f"{entry.name}: ended early; its message stands above.") from None
    if isinstance(answer, ImportError):
        raise InputError(f"{entry.name}: {answer}; install the dev extra.")
    if isinstance(answer, Exception):
        raise answer
    return answer


def line_of(raw: dict[str, Any], changes: dict[str, Any]) -> LineSettings:
    """The line with some settings changed.

    Raises:
        SettingsError: A setting is unknown, or its value refused.
    """
    laid = {key: dict(value) if isinstance(value, dict) else value for key, value in raw.items()}
    for dotted, value in changes.items():
        section, key = dotted.split(".")
        laid[section][key] = value
    return settings_from_dict(laid, Path.cwd(), "pretrain_speed")


def peak_memory(device: str) -> dict[str, Any]:
    """Peak MiB of this process, what its loader's processes hold beside it, and the card's peak."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    loader = sum(_private_mib(child) for child in _children(os.getpid()))
    if device != "cuda":
        return {"memory_mib": own, "loader_mib": loader}
    import torch

    card = torch.cuda.max_memory_allocated() / 2**20
    return {"memory_mib": own, "loader_mib": loader, "card_mib": card}


def device_name(device: str) -> str:
    """What the network ran on: the card's name, or the number of threads."""
    import torch

    return (
        torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    )


def _end(process: Any, link: Any) -> None:
    """Let a contestant end by itself; kill it where it does not."""
    link.close()
    if process.is_alive():
        _signal(process.pid, signal.SIGCONT)
    process.join(20)
    process.kill()


def _signal(process: int, what: signal.Signals) -> None:
    """Stop a contestant with its loader, or let it go on: nobody works ahead out of turn."""
    for one in (process, *_children(process)):
        os.kill(one, what)


def _children(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in lists for child in file.read_text().split()]


def _private_mib(process: int) -> float:
    """Memory that a process shares with no other."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0  # it has ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
