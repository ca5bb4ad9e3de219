"""How much of a head's attention lies on its part is kept with each inspection."""

import numpy as np
import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.store.adherence import PartMasks
from inspect_app.store.reader import StoreReader
from inspect_app.store.writer import StoreWriter
from tests.station.drawn_inspections import GRID, HEADS, PARTS, bundle


def test_even_attention_lies_on_a_part_by_its_area_and_all_of_it_where_it_looks() -> None:
    even = np.full((len(HEADS), GRID, GRID), 1 / GRID**2, np.float32)
    masks = PartMasks(bundle())
    areas = bundle().layout.fitted(GRID * 8, "stretch").mean(axis=(1, 2))
    assert list(masks.shares(even)) == list(PARTS)
    assert list(masks.shares(even).values()) == pytest.approx(areas.tolist(), abs=2e-3)
    in_the_label = np.zeros_like(even)
    in_the_label[:, 5, 7] = 1.0
    shares = masks.shares(in_the_label)
    assert shares["label"] == 1.0
    assert shares["body"] == shares["left_lead"] == 0.0


def test_it_is_kept_and_an_unreadable_image_has_none(
    writer: StoreWriter, reader: StoreReader, handful: list[ScoredImage]
) -> None:
    writer.add(handful)
    for part in reader.page():
        if part.verdict is None:
            assert part.adherence is None
        else:
            assert part.adherence is not None
            assert set(part.adherence) == set(PARTS)
            assert all(0.0 <= share <= 1.0 for share in part.adherence.values())
