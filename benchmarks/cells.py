"""Cells that send images to `inspect serve` over connections that stay open, and the server."""

import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sent:
    """What some cells sent and got.

    Attributes:
        answers: Number of the file, and the JSON that came back.
        times_s: From sending to the answer, of each.
        busy: Answers 503; the cell sent the image again.
        wall_s: From the first to the last.
    """

    answers: list[tuple[int, dict[str, Any]]]
    times_s: list[float]
    busy: int
    wall_s: float


class Cell(threading.Thread):
    """Sends images over one connection, one after the other."""

    def __init__(self, port: int, work: Iterator[tuple[int, bytes]]) -> None:
        super().__init__()
        self._port, self._work = port, work
        self.times_s: list[float] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.busy = 0

    def run(self) -> None:
        """Send until no work is left."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        for number, content in self._work:
            began = time.perf_counter()
            status, answer = self._send(connection, content)
            while status == 503:
                self.busy += 1
                time.sleep(0.01)
                began = time.perf_counter()
                status, answer = self._send(connection, content)
            assert status == 200, answer
            self.times_s.append(time.perf_counter() - began)
            self.answers.append((number, answer))
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, content: bytes) -> tuple[int, Any]:
        connection.request("POST", "/inspect", content)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@contextmanager
def server(bundle: Path, options: Sequence[str]) -> Iterator[int]:
    """`inspect serve` on a free port, stopped at the end."""
    code = "from inspect_app.cli.main import main; main()"
    words = ["serve", "--bundle", str(bundle), "--port", "0", *options]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None, "it was asked for a pipe"
            told = process.stdout.readline()
            yield int(told.split("  ")[0].rpartition(":")[2])
        finally:
            process.terminate()


def let_cells_send(port: int, files: Sequence[bytes], cells: int, requests: int) -> Sent:
    """Let cells send `requests` images between them, taking the files in turn."""
    order = itertools.islice(itertools.cycle(enumerate(files)), requests)
    work = iter(list(order))  # a list's iterator hands each image to one thread only
    senders = [Cell(port, work) for _ in range(cells)]
    began = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    wall_s = time.perf_counter() - began
    answers = [one for sender in senders for one in sender.answers]
    assert len(answers) == requests, "a cell stopped early"
    times_s = [one for sender in senders for one in sender.times_s]
    return Sent(answers, times_s, sum(sender.busy for sender in senders), wall_s)
