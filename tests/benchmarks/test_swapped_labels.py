"""Swapped labels are counted apart from a line's own hard cases."""

from pathlib import Path

import numpy as np
from swapped_labels import measure, page

from span_train.data.labels import LabelledImage


def test_clear_classes_give_back_every_swapped_label() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(80) % 2
    images = [LabelledImage(Path(f"{n}.png"), ("good", "bent")[t]) for n, t in enumerate(truth)]
    features = random.normal(0, 0.3, (80, 4)) + 3 * truth[:, None]
    found = measure(images, features, share=0.05, draws=1)
    assert (found["images"], found["alone"]) == (80, 0)
    assert found["draws"] == [{"swapped": 4, "found": 4, "hard_cases": 0, "others": 0}]
    assert "100% of the swapped labels are found; of all that is named 100%" in page(found)


def test_a_line_s_own_hard_cases_are_told_apart_on_the_page() -> None:
    draw = {"swapped": 10, "found": 6, "hard_cases": 5, "others": 1}
    told = page({"images": 90, "alone": 5, "draws": [draw, draw]})
    assert "| 1 | 10 | 6 | 5 | 1 |" in told
    assert "60% of the swapped labels are found; of all that is named 50% was swapped" in told
