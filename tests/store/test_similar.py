"""Similar inspections are those in which the same parts spoke as strongly."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from inspect_app.store.reader import StoreReader
from inspect_app.store.schema import inspections
from inspect_app.store.similar import nearest_first
from inspect_app.store.writer import StoreWriter
from tests.station.drawn_inspections import scored_image


@pytest.fixture
def writer(writer: StoreWriter) -> StoreWriter:
    """A writer of a store that draws no passes for blind review, which would hide them."""
    writer._facts = replace(writer._facts, blind_review_share=0.0)
    return writer


def test_the_distance_is_that_of_the_contributions() -> None:
    others = [{"body": 9.0, "lead": 4.2}, {"body": 10.0, "lead": 0.2}, {"body": 9.0, "lead": 1.1}]
    assert nearest_first({"body": 9.0, "lead": 0.2}, others).tolist() == [2, 1, 0]


def test_a_part_that_others_do_not_have_counts_as_nothing_for_them() -> None:
    others = [{"body": 1.0}, {"body": 3.0}]
    assert nearest_first({"body": 2.8, "new": 0.5}, others).tolist() == [1, 0]


def test_the_most_similar_of_the_same_bundle_come_first(
    writer: StoreWriter, reader: StoreReader
) -> None:
    leads = (0.1, 1.4, 0.2, 1.3, 1.45)
    writer.add(
        [
            scored_image(number, f"/l/{number}.png", number, "pass", None, {"left_lead": lead})
            for number, lead in enumerate(leads, start=1)
        ]
    )
    ask = reader.questions
    assert ask.similar(reader.inspection(2), 2) == [5, 4]
    assert set(ask.similar(reader.inspection(1), 9)) == {2, 3, 4, 5}


def test_a_pass_that_waits_for_blind_review_is_not_shown(
    writer: StoreWriter, reader: StoreReader
) -> None:
    writer.add([scored_image(1, "/l/1.png", 1, "fail", None, {"body": 4.0})])
    with reader._database.writing(inspections) as connection:
        row = dict(connection.execute(select(inspections)).mappings().one())
        blind = {
            "id": 2,
            "arrival_key": "2",
            "sha256": "2" * 64,
            "verdict": "pass",
            "blind_review": True,
        }
        connection.execute(insert(inspections).values(**row | blind))
    assert reader.questions.similar(reader.inspection(1), 9) == []
    reader.record_decision(2, "Rita", "pass", role="reviewer")
    assert reader.questions.similar(reader.inspection(1), 9) == [2]
    assert reader.questions.similar(reader.inspection(2), 9) == [1]


def test_copies_are_not_shown(writer: StoreWriter, reader: StoreReader) -> None:
    writer.add(
        [
            scored_image(number, f"/l/{number}.png", seed, "pass", None, {"body": 0.1 * seed})
            for number, seed in enumerate((1, 2, 1, 2), start=1)
        ]
    )
    assert reader.questions.similar(reader.inspection(1), 9) == [2]
