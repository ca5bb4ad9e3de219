"""Labels that cannot support a verdict: each is told in words, and the line says recheck."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from span_train.contract.errors import LabelError
from span_train.contract.settings import LineSettings
from span_train.finetune.evaluation import evaluate
from span_train.finetune.run import TrainedLine, load_trained, train

TinyLine = Callable[..., LineSettings]
Row = dict[str, str]
FAR = 100.0


@pytest.fixture
def train_on(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> Callable[..., tuple[LineSettings, TrainedLine]]:
    """Train on the drawn line's labels after a change of each row; None leaves a row out."""

    def run(change: Callable[[Row], Row | None], *more: str) -> tuple[LineSettings, TrainedLine]:
        source = tiny_line().labels
        assert source is not None
        with source.open(newline="") as file:
            rows = [row for each in csv.DictReader(file) if (row := change(each)) is not None]
        labels = tmp_path / "labels.csv"
        with labels.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            for row in rows:
                path = (source.parent / row["image_path"]).resolve()
                writer.writerow({**row, "image_path": str(path)})
        line = tiny_line(f"labels={labels}", *more)
        train(line, pretrained_run, tmp_path / "run")
        return line, load_trained(tmp_path / "run")

    return run


def of_split(row: Mapping[str, str], split: str, *, defective: bool) -> bool:
    return row["split"] == split and (row["label"] != "good") == defective


def says_recheck(trained: TrainedLine) -> bool:
    """Whether nothing passes, however good it looks."""
    return trained.policy.decide(-FAR, 0.0).name == "recheck"


def test_one_label_alone_moves_nothing(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]],
) -> None:
    kept: list[Row] = []

    def one(row: Row) -> Row | None:
        if row["split"] == "train":
            kept.append(row)
            return row if len(kept) == 1 else None
        return row

    _, trained = train_on(one)
    assert trained.summary["fit"] == {"strength": None, "log_loss": {}}
    assert any("one class only: z is the outlier score" in r for r in trained.summary["remarks"])


def test_one_class_alone_is_told_and_promises_no_escape_rate(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]],
) -> None:
    _, trained = train_on(lambda row: row if row["label"] == "good" else None)
    remarks = " ".join(trained.summary["remarks"])
    assert "one class only: z is the outlier score alone" in remarks
    assert "no escape rate can be promised" in remarks
    assert says_recheck(trained)
    assert not any(claim.shown for claim in trained.policy.claims if claim.kind == "escape")


def test_contradictory_labels_are_refused_with_both(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    source = tiny_line().labels
    assert source is not None
    with source.open(newline="") as file:
        first = next(csv.DictReader(file))
    path = (source.parent / first["image_path"]).resolve()
    labels = tmp_path / "two.csv"
    labels.write_text(f"image_path,label\n{path},good\n{path},scratch\n")
    with pytest.raises(LabelError, match=rf"(?s)two\.csv.*{path.name}.*good.*scratch"):
        train(tiny_line(f"labels={labels}"), pretrained_run, tmp_path / "run")


def test_calibration_without_defects_lets_nothing_pass(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]],
) -> None:
    _, trained = train_on(lambda row: None if of_split(row, "calibration", defective=True) else row)
    assert (
        "no defective calibration image: no escape rate can be promised"
        in (trained.summary["remarks"])
    )
    assert says_recheck(trained)


def test_a_goal_that_cannot_be_shown_says_how_many_are_missing_and_rechecks(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]],
) -> None:
    _, trained = train_on(lambda row: row, "goals.escape=0.01", "goals.overkill=0.01")
    for claim in trained.policy.claims:
        assert not claim.shown
        assert claim.missing == 368 - 6
        assert "362 more" in claim.message
    assert says_recheck(trained)
    assert trained.policy.decide(FAR, 0.0).name == "recheck"


def test_a_test_image_in_training_is_refused_before_anything_is_measured(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]], tiny_line: TinyLine, tmp_path: Path
) -> None:
    def learnt(row: Row) -> Row:
        return {**row, "split": "train"} if of_split(row, "test", defective=True) else row

    # The line as it was calls tested what this run has learnt from.
    _, trained = train_on(learnt)
    assert trained.roles is not None
    with pytest.raises(LabelError, match=r"(?s)^4 test images, or others of the same part, took"):
        evaluate(tiny_line(), tmp_path / "run", tmp_path / "evaluation")


def test_a_class_that_was_never_trained_is_told_in_run_and_report(
    train_on: Callable[..., tuple[LineSettings, TrainedLine]], tmp_path: Path
) -> None:
    line, trained = train_on(
        lambda row: None if row["split"] == "train" and row["label"] == "stain" else row
    )
    assert "classes of the test split never trained: stain" in trained.summary["remarks"]
    evaluate(line, tmp_path / "run", tmp_path / "evaluation")
    page = (tmp_path / "evaluation" / "report.html").read_text()
    assert "Never trained: stain; these are found as unusual alone." in page
