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
    found = measure(images, features, share=0.05, draws=2)
    assert (found["images"], found["alone"]) == (80, 0)
    assert found["draws"] == [{"swapped": 4, "found": 4, "hard_cases": 0, "others": 0}] * 2
    assert "100% of the swapped labels are found; of all that is named 100%" in page(found)
