"""What the plant reads: the names of the standard, the same id for the same event."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.scoring.results import ArrivalNotes
from inspect_app.send.message import message_of
from inspect_app.store import StoreReader
from inspect_app.store.address import store_address
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.database import open_database
from inspect_app.store.outbox import Entry, entries_after
from tests.send.conftest import Plant


def entries(plant: Plant) -> list[Entry]:
    """All that the outbox holds."""
    with (
        open_database(store_address(plant.url), ChainKeyFile()) as database,
        database.reading() as connection,
    ):
        return entries_after(connection, 0, 1000)


def told(entry: Entry, with_names: bool = False) -> dict[str, Any]:
    """What is sent of it."""
    found: dict[str, Any] = json.loads(message_of(entry, "store-7", with_names).body)
    return found


def test_an_inspection_has_the_names_of_the_standard(plant: Plant) -> None:
    plant.arrive(verdict="fail", defect_type="scratch")
    (entry,) = entries(plant)
    body = told(entry)
    assert body["PublisherId"] == "store-7"
    assert body["SequenceNumber"] == entry.id
    assert body["kind"] == "inspection"
    assert body["MessageId"] == body["ResultId"]["Id"] == entry.inspection["arrival_key"]
    assert (body["ResultState"], body["ResultEvaluation"]) == (1, 2)
    assert (body["IsPartial"], body["IsSimulated"]) == (False, False)
    assert body["InternalRecipeId"] == {"Id": "b" * 64}
    assert body["CreationTime"].endswith("Z")
    assert set(body["ProcessingTimes"]) == {"StartTime", "EndTime", "ProcessingDuration"}
    (content,) = body["ResultContent"]
    assert content["verdict"] == "fail"
    assert content["defect_type"] == "scratch"
    assert content["source"] == "/line/0001.png"
    assert content["z"] == entry.inspection["z"]
    assert "PartId" not in body


def test_a_part_of_several_images_has_the_verdict_of_the_worst_so_far(plant: Plant) -> None:
    for part_id, lot, verdict in (
        ("P1", "A", "pass"),
        ("P2", "A", "fail"),
        ("P1", "B", "fail"),
        ("P1", "A", "recheck"),
        ("P1", "A", "pass"),
        ("P1", None, "pass"),
        (None, None, "fail"),
    ):
        plant.arrive(verdict=verdict, notes=ArrivalNotes(1, part_id=part_id, lot=lot))
    bodies = [told(entry) for entry in entries(plant)]
    contents = [body["ResultContent"][0] for body in bodies]
    assert [content.get("part_verdict") for content in contents] == [
        *("pass", "fail", "fail", "recheck", "recheck", "pass"),
        None,
    ]
    assert bodies[3]["PartId"] == {"Id": "P1"}
    with StoreReader(plant.url) as reader:
        found = [reader.part_verdict(reader.inspection(number)) for number in range(1, 8)]
    assert found == [content.get("part_verdict") for content in contents]


@pytest.mark.parametrize(
    ("verdict", "state", "evaluation"), [("pass", 1, 1), ("fail", 1, 2), ("recheck", 1, 3)]
)
def test_a_verdict_is_an_evaluation(
    small_plant: Plant, verdict: str, state: int, evaluation: int
) -> None:
    small_plant.arrive(verdict=verdict)
    body = told(entries(small_plant)[0])
    assert (body["ResultState"], body["ResultEvaluation"]) == (state, evaluation)


def test_an_unreadable_image_is_a_failed_result_of_no_evaluation(small_plant: Plant) -> None:
    small_plant.arrive(verdict=None, status="unreadable", z=None, latency_ms=None)
    body = told(entries(small_plant)[0])
    assert (body["ResultState"], body["ResultEvaluation"]) == (4, 0)
    assert "ProcessingDuration" not in body["ProcessingTimes"]
    assert body["ResultContent"][0]["verdict"] is None


def test_a_decision_names_its_result_and_the_operator_only_where_asked(plant: Plant) -> None:
    plant.arrive()
    plant.decide(1, "pass")
    inspected, decided, _ = entries(plant)
    body = told(decided)
    assert body["ResultId"] == told(inspected)["ResultId"]
    assert body["MessageId"] == body["decision"]["seal"]
    assert (body["ResultEvaluation"], body["decision"]["decision"]) == (1, "pass")
    assert (body["decision"]["number"], body["decision"]["reason"]) == (1, "Kratzer")
    assert body["decision"]["role"] == "operator"
    assert b"Anna" not in message_of(decided, "store-7", with_names=False).body
    assert told(decided, with_names=True)["decision"]["operator"] == "Anna"


def test_the_ends_of_the_chain_follow_its_decisions(plant: Plant) -> None:
    plant.arrive(2)
    plant.decide(1)
    plant.decide(2)
    found = entries(plant)
    assert [one.kind for one in found] == ["inspection"] * 2 + ["decision", "anchor"] * 2
    last, anchor = told(found[-2]), told(found[-1])
    assert anchor["anchor"]["count"] == 2
    assert anchor["anchor"]["head"] == last["decision"]["seal"]
    assert anchor["MessageId"] == anchor["anchor"]["seal"] != last["MessageId"]


DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0019-messages-to-the-plant.md"


def test_messages_are_what_the_document_shows(small_plant: Plant) -> None:
    notes = ArrivalNotes(1, part_id="0042", camera="top", lot="L7")
    small_plant.arrive(verdict="fail", notes=notes)
    small_plant.decide(1)
    blocks = re.findall(r"```json\n(.*?)```", DECISION.read_text(encoding="utf-8"), re.DOTALL)
    shown = [shape(json.loads(block)) for block in blocks]
    assert [shape(told(entry)) for entry in entries(small_plant)] == shown


def shape(value: Any) -> Any:
    """The names in a message, without what differs from part to part."""
    if isinstance(value, dict):
        inside = {name: shape(one) for name, one in value.items()}
        return inside | ({"contributions": None} if "contributions" in value else {})
    return [shape(one) for one in value] if isinstance(value, list) else None
