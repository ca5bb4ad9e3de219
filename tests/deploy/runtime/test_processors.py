import os
from pathlib import Path

import pytest

from deploy.runtime import processors
from deploy.runtime.processors import graph_threads, usable_processors


@pytest.fixture
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    ("quota", "usable"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("9900000 100000", 8),
        ("nonsense", 8),
        ("", 8),
    ],
)
def test_a_container_s_quota_limits_the_processors(tmp_path: Path, quota: str, usable: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_processors(tmp_path / "cpu.max") == usable


@pytest.mark.usefixtures("eight_processors")
def test_without_a_quota_the_affinity_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert usable_processors(tmp_path / "no such file") == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {3})
    assert usable_processors(tmp_path / "no such file") == 1


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    ("asked", "usable", "threads"), [(0, 8, 0), (0, 2, 2), (3, 8, 3), (3, 2, 3)]
)
def test_only_a_limited_process_tells_onnx_runtime_how_many_threads(
    monkeypatch: pytest.MonkeyPatch, asked: int, usable: int, threads: int
) -> None:
    monkeypatch.setattr(processors, "usable_processors", lambda: usable)
    assert graph_threads(asked) == threads
