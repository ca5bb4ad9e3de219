"""A store that refuses is asked again, ever more rarely."""

from itertools import islice

import pytest

from deploy.scoring.results import ScoredImage
from inspect_app.watch.growing_waits import growing_waits
from inspect_app.watch.heartbeat import Health
from inspect_app.watch.patient_store import PatientStore
from inspect_app.watch.troubles import Troubles
from span_train.contract.errors import StoreError


class Refusing:
    def __init__(self, times: int) -> None:
        self.left = times

    def add(self, scored: list[ScoredImage]) -> int:
        if self.left:
            self.left -= 1
            raise StoreError("down.")
        return len(scored)

    def watched_files(self, folder: str) -> set[tuple[str, int]]:
        self.add([])
        return {(folder, 1)}


def patient(store: Refusing, most_waits: int) -> tuple[PatientStore, list[float], Health]:
    waited: list[float] = []
    health = Health("hot", "id", "name", "cpu", "now")

    def pause(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) < most_waits

    return PatientStore(store, health, Troubles(health, lambda _: None), pause), waited, health


def test_waits_grow_up_to_half_a_minute() -> None:
    assert list(islice(growing_waits(), 9)) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_what_was_refused_is_given_again_until_it_is_taken() -> None:
    store, waited, health = patient(Refusing(3), 10)
    assert store.add([]) is True
    assert waited == [0.5, 1, 2]
    assert health.state == "watching"


def test_asked_to_stop_it_gives_up_and_says_so() -> None:
    store, waited, health = patient(Refusing(99), 2)
    assert store.add([]) is False
    assert store.watched_files("hot") is None
    assert len(waited) == 3
    assert health.state == "store refuses"


def test_an_empty_answer_is_an_answer() -> None:
    assert patient(Refusing(0), 1)[0].add([]) is True
    assert patient(Refusing(1), 9)[0].watched_files("hot") == {("hot", 1)}


def test_what_is_no_refusal_comes_out() -> None:
    class Broken(Refusing):
        def add(self, scored: list[ScoredImage]) -> int:
            raise ValueError("our own mistake")

    with pytest.raises(ValueError, match="our own"):
        patient(Broken(0), 9)[0].add([])
