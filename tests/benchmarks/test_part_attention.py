"""The study runs on a small data set, goes on where it was stopped, and never measures what it
learnt from."""

import json
from pathlib import Path

import numpy as np
import part_attention
import pytest
from jsrt_split import Split
from part_jobs import Arm
from PIL import Image

PARTS = ("heart", "left_lung", "right_lung")
LEARNT, MEASURED = tuple(f"a{n}" for n in range(12)), ("b0", "b1", "b2")
SMALL = {
    "input.side_px": 64,
    "model.width": 48,
    "model.depth": 2,
    "pretrain.batch_size": 6,
    "pretrain.device": "cpu",
    "pretrain.checkpoint_every": 1,
}
TINY = {"steps": 2, "seeds": (0,)}
ARMS = (
    Arm("span", "SPAN", SMALL, exemplars=2, **TINY),
    Arm("masked-alone", "alone", {**SMALL, "pretrain.prior_weight": 0.0}, **TINY),
    Arm("registration", "no network", SMALL, predictor="registration", seeds=(0,)),
    Arm("control-reference", "reference", SMALL, **TINY),
    Arm("control-shuffled", "shuffled", SMALL, "shuffled", control_of="control-reference", **TINY),
    Arm("control-statistics", "regions", {**SMALL, "layout.source": "statistics"}, **TINY),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of three bright boxes that lie a little differently in each; only read it."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("images", *(f"masks/{part}" for part in PARTS)):
        (folder / name).mkdir(parents=True)
    for number, stem in enumerate((*LEARNT, *MEASURED)):
        random = np.random.default_rng(number)
        picture = random.integers(0, 60, (96, 96), np.uint8)
        for k, part in enumerate(PARTS):
            top, left = random.integers(0, 10, 2) + (20 * (k == 0) + 30, 30 * k)
            box = np.zeros((96, 96), bool)
            box[top : top + 24, left : left + 20] = True
            picture[box] = 150 + 40 * k
            Image.fromarray(box).convert("L").save(folder / "masks" / part / f"{stem}.png")
        Image.fromarray(picture).save(folder / "images" / f"{stem}.png")
    return folder


@pytest.fixture(autouse=True)
def small_study(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = {False: "test", True: "development"}
    monkeypatch.setattr(part_attention, "ARMS", ARMS)
    monkeypatch.setattr(
        part_attention,
        "read_split",
        lambda development: Split(MEASURED, LEARNT, ("a0", "a1"), roles[development]),
    )


def study(data: Path, folder: Path, *more: str) -> int:
    given = ["--data", data, "--runs", folder / "runs", "--results", folder / "results", *more]
    return part_attention.main([str(word) for word in given])


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole study, run once; only read it."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        small_study.__wrapped__(patch)  # type: ignore[attr-defined]
        assert study(data, folder) == 0
    return folder


def result(folder: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "results" / f"{name}.json").read_text())
    return found


def test_every_job_leaves_what_it_measured_and_how(finished: Path) -> None:
    names = {file.stem for file in (finished / "results").iterdir()}
    assert len(names) == 7
    for name in names:
        found = result(finished, name)
        assert found["images"] == list(MEASURED)
        assert (found["learnt_from"], found["measured_on"]) == (12, "test")
        assert found["job"]["name"] == name
        for place in ("in_place", "moved"):
            keys = {"best", "assigned"} & found[place].keys()
            for key in ("template", "oracle", "chance", "mass", "pointing", *keys):
                assert tuple(found[place][key]) == PARTS
                assert [len(values) for values in found[place][key].values()] == [3, 3, 3]
        text = (finished / "results" / f"{name}.json").read_text(encoding="utf-8")
        assert str(finished) not in text
        assert '"/' not in text


def test_heads_are_assigned_only_where_a_prior_assigned_them(finished: Path) -> None:
    assigned = {
        name: "assigned" in result(finished, f"{name}.a0.seed-0")["in_place"]
        for name in ("span", "masked-alone", "registration", "control-shuffled")
    }
    assert assigned == {
        "span": True,
        "masked-alone": False,
        "registration": True,
        "control-shuffled": True,
    }
    assert "assigned" not in result(finished, "control-statistics.a0.seed-0")["in_place"]


def test_controls_train_otherwise_than_their_reference(finished: Path) -> None:
    reference = result(finished, "control-reference.a0.seed-0")
    shuffled = result(finished, "control-shuffled.a0.seed-0")
    assert reference["settings"] == shuffled["settings"]
    assert reference["health"]["prior_loss"] != shuffled["health"]["prior_loss"]
    span = result(finished, "span.a0.seed-0")
    assert span["in_place"] == reference["in_place"], "the same but for its name"


def test_truth_on_the_grid_and_moving_are_as_expected(finished: Path) -> None:
    found = result(finished, "span.a0.seed-0")
    oracle = np.array(list(found["in_place"]["oracle"].values()))
    assert oracle.mean() > 0.7
    assert found["in_place"]["template"] != found["moved"]["template"]
    assert np.mean(list(found["moved"]["template"].values())) < oracle.mean()


def test_finished_jobs_are_not_run_again(
    finished: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in (finished / "results").iterdir()}
    assert study(data, finished) == 0
    assert capsys.readouterr().err.count("there already") == 7
    assert {file: file.stat().st_mtime_ns for file in (finished / "results").iterdir()} == before


def test_a_job_that_was_stopped_goes_on_from_its_checkpoint(
    finished: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import part_measures

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(part_measures, "measure_network", stopped)
        with pytest.raises(KeyboardInterrupt):
            study(data, tmp_path, "--only", "masked-alone")
    run = tmp_path / "runs" / "test" / "masked-alone.a0.seed-0"
    (run / "backbone.safetensors").unlink()
    assert study(data, tmp_path, "--only", "masked-alone") == 0
    again, whole = (result(folder, "masked-alone.a0.seed-0") for folder in (tmp_path, finished))
    assert again["in_place"] == whole["in_place"]
    assert (again["cpu_minutes"], whole["cpu_minutes"] is None) == (None, False)


def test_a_job_with_minutes_keeps_the_steps_that_fitted_at_its_start(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import part_measures

    timed = Arm("timed", "", {**SMALL, "pretrain.steps": 3}, seeds=(0,), minutes=0.001)
    monkeypatch.setattr(part_attention, "ARMS", (timed,))
    with monkeypatch.context() as patch:
        patch.setattr(part_measures, "measure_network", lambda *_: {"stop": 1 / 0})
        with pytest.raises(ZeroDivisionError):
            study(data, tmp_path)
    assert study(data, tmp_path) == 0
    found = result(tmp_path, "timed.a0.seed-0")
    assert found["steps"] == 6
    assert found["settings"]["pretrain"]["steps"] == 6


def test_a_job_that_another_runner_has_is_left_to_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    (tmp_path / "runs" / "test").mkdir(parents=True)
    with (tmp_path / "runs" / "test" / "registration.a0.seed-0.claim").open("w") as claim:
        fcntl.flock(claim, fcntl.LOCK_EX)
        assert study(data, tmp_path, "--only", "registration") == 0
    assert "registration.a0.seed-0 runs elsewhere" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_the_list_tells_what_is_done(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(data, finished, "--list") == 0
    assert capsys.readouterr().out.count("done    ") == 7
    assert study(data, tmp_path, "--list", "--only", "control-*") == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["missing", f"control-{name}.a0.seed-0"] for name in ("reference", "shuffled", "statistics")
    ]


def test_the_report_is_written_beside_the_results(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(data, finished, "--report") == 0
    written = (finished / "results.md").read_text(encoding="utf-8")
    assert "7 of 7 jobs are finished" in written
    assert "nan" not in written
    assert study(data, tmp_path, "--report") == 3
    assert "no job is finished; run some first" in capsys.readouterr().err


def test_what_is_wrong_is_told_before_any_training(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert study(data, tmp_path, "--only", "spam") == 3
    assert "--only spam: no job has such a name; see --list" in capsys.readouterr().err
    assert study(tmp_path, tmp_path) == 3
    assert "a0.png: is missing; give JSRT with --data" in capsys.readouterr().err
    wrong = (*ARMS[:1], Arm("later", "", {"pretrain.prior_los": "focus"}))
    monkeypatch.setattr(part_attention, "ARMS", wrong)
    assert study(data, tmp_path) == 3
    assert "did you mean `prior_loss`" in capsys.readouterr().err
    assert not (tmp_path / "runs" / "test").exists()
    with pytest.raises(SystemExit, match="2"):
        part_attention.main(["--steps", "5"])


def test_trials_and_the_search_of_settings_are_kept_apart(data: Path, tmp_path: Path) -> None:
    assert study(data, tmp_path, "--only", "masked-alone", "--steps", "1", "--dev") == 0
    found = result(tmp_path, "masked-alone.a0.seed-0")
    assert (found["steps"], found["measured_on"]) == (1, "development")
    asked = part_attention._arguments(["--dev"])
    assert asked.results == part_attention.RESULTS / "development"
