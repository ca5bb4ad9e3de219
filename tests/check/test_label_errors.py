"""Labels that the other images of their class speak against are found, and no others."""

from pathlib import Path

import numpy as np

from span_train.check.label_errors import Suspect, likely_errors, suspect_findings
from span_train.data.labels import LabelledImage

SWAPPED = (3, 47)


def _line(pictures: int = 1) -> tuple[list[LabelledImage], np.ndarray]:
    """Sixty parts of two classes that features tell apart; two have the other's label."""
    random = np.random.default_rng(0)
    images, rows = [], []
    for part in range(60):
        truth = part % 2
        label = ("good", "bent")[truth if part not in SWAPPED else 1 - truth]
        centre = random.normal(0, 0.5, 8) + 3 * truth * np.eye(8)[0]
        for picture in range(pictures):
            path = Path(f"{part:02d}_{picture}.png")
            images.append(LabelledImage(path, label, f"part {part}"))
            rows.append(centre + random.normal(0, 0.05, 8))
    return images, np.array(rows)


def test_labels_that_were_swapped_are_found_and_told_what_they_look_like() -> None:
    found = likely_errors(*_line())
    assert found is not None
    assert {(one.path.name, one.label, one.rather) for one in found} == {
        ("03_0.png", "good", "bent"),
        ("47_0.png", "good", "bent"),
    }
    assert all(one.probability < 0.5 for one in found)
    assert [one.probability for one in found] == sorted(one.probability for one in found)


def test_pictures_of_one_part_do_not_vouch_for_each_other() -> None:
    found = likely_errors(*_line(pictures=4))
    assert found is not None
    assert {int(one.path.name[:2]) for one in found} == set(SWAPPED)


def test_right_labels_are_left_alone() -> None:
    images, rows = _line()
    right = [
        LabelledImage(image.path, ("good", "bent")[place % 2], image.group)
        for place, image in enumerate(images)
    ]
    assert likely_errors(right, rows) == ()


def test_classes_that_are_too_small_say_nothing() -> None:
    images, rows = _line()
    few = [*images[:40:2], *images[1:8:2]]
    assert likely_errors(few, rows[[*range(0, 40, 2), *range(1, 8, 2)]]) is None
    (finding,) = suspect_findings(None)
    assert finding.level == "warning"
    assert "need two classes of 5 parts" in finding.found


def test_what_was_found_is_said_with_names() -> None:
    (finding,) = suspect_findings((Suspect(Path("a.png"), "good", "bent", 0.1),))
    assert (finding.level, finding.images) == ("warning", ("a.png",))
    assert suspect_findings(())[0].level == "ok"
