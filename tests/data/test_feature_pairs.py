"""Pairs that a network sees alike are proposed, few for each image."""

import numpy as np

from span_train.data.feature_pairs import alike_by_features


def test_copies_among_unlike_images_are_the_pairs() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 48))
    rows[17] = rows[200] + 0.1
    rows[5] = rows[201] * 1.1
    found = alike_by_features(rows)
    assert [(one.first, one.second) for one in found[:2]] in (
        [(17, 200), (5, 201)],
        [(5, 201), (17, 200)],
    )
    assert len(found) == 2
    assert all(one.way == 0 and one.alike > 0.8 for one in found)


def test_pairs_do_not_grow_with_the_square_of_the_images() -> None:
    rows = np.repeat(np.random.default_rng(0).normal(size=(2, 16)), 200, axis=0)
    assert len(alike_by_features(rows)) <= 5 * 400


def test_too_few_images_and_equal_ones_give_no_pair() -> None:
    assert alike_by_features(np.zeros((2, 4))) == []
    assert alike_by_features(np.ones((9, 4))) == []
