"""Jobs of a study are run once, by one runner, and listed for what they are."""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from job_files import finished, listed, matching, result_of, run_missing

from span_train.contract.errors import InputError


@dataclass(frozen=True)
class Made:
    name: str
    about: str = "makes one"


JOBS = [Made("line.a.0"), Made("line.b.0"), Made("other.a.0")]


def work(tmp_path: Path, ran: list[str]) -> None:
    results = tmp_path / "results"
    results.mkdir(exist_ok=True)

    def run(job: Made) -> None:
        ran.append(job.name)
        result_of(job, results).write_text(json.dumps({"of": job.name}))

    run_missing(JOBS, results, tmp_path / "claims", run)


def test_a_finished_job_is_not_run_again(tmp_path: Path) -> None:
    ran: list[str] = []
    work(tmp_path, ran)
    (tmp_path / "results" / "line.b.0.json").unlink()
    work(tmp_path, ran)
    assert ran == ["line.a.0", "line.b.0", "other.a.0", "line.b.0"]
    assert finished(JOBS, tmp_path / "results")["line.b.0"] == {"of": "line.b.0"}


def test_a_job_that_another_runner_has_is_left_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    claims = tmp_path / "claims"
    claims.mkdir()
    with (claims / "line.a.0.claim").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        work(tmp_path, ran)
    assert ran == ["line.b.0", "other.a.0"]
    assert "line.a.0 runs elsewhere" in capsys.readouterr().err


def test_jobs_are_chosen_by_pattern(tmp_path: Path) -> None:
    assert [job.name for job in matching(JOBS, ["*.a.*"])] == ["line.a.0", "other.a.0"]
    assert matching(JOBS, []) == JOBS
    with pytest.raises(InputError, match=r"--only none\*: no job has such a name; see --list"):
        matching(JOBS, ["none*"])


def test_a_list_tells_what_is_done(tmp_path: Path) -> None:
    (tmp_path / "line.b.0.json").write_text("{}")
    first, second, _ = listed(JOBS, tmp_path).splitlines()
    assert first.split() == ["missing", "line.a.0", "makes", "one"]
    assert second.startswith("done     line.b.0")


def test_nothing_finished_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no job is finished"):
        finished(JOBS, tmp_path)
