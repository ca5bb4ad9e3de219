"""The head's speed is measured on the features of a finished run, over as many images as asked."""

from pathlib import Path

from head_speed import measure


def test_every_part_of_the_work_is_timed(drawn_line: Path, pretrained_run: Path) -> None:
    found = measure(drawn_line, pretrained_run, images=60, labels=5)
    assert found["images"] == 60
    assert list(found["seconds"]) == ["head", "numbers", "label budget"]
    assert all(times["processor"] > 0 for times in found["seconds"].values())
