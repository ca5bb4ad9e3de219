"""What has gathered since the last export is counted once, and settles what is worth a training."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inspect_app.store import StoreReader, open_store
from inspect_app.store.labels import export_labels
from inspect_app.store.new_labels import NewLabels, new_labels
from tests.station.drawn_inspections import bundle
from tests.store.conftest import Scored

Decide = Callable[[int, str, str], None]


@pytest.fixture
def line(any_url: str, scored: Scored) -> StoreReader:
    """Six parts, on each kind of database: pass, pass, fail, fail, recheck, and the first again."""
    verdicts = ("pass", "pass", "fail", "fail", "recheck", "pass")
    with open_store(any_url) as writer:
        writer.register_bundle(bundle())
        for number, verdict in enumerate(verdicts):
            content = f"{number % 5:064x}"
            writer.add([scored(f"{number}.png", verdict=verdict, sha256=content)])
    return StoreReader(any_url)


def decide(line: StoreReader, *said: tuple[int, str, str]) -> None:
    for part, operator, decision in said:
        line.record_decision(part, operator, decision)  # type: ignore[arg-type]


def test_agreed_decisions_count_once_for_equal_images(line: StoreReader) -> None:
    assert new_labels(line._database) == NewLabels(0, 0, 0, 0)
    decide(line, (1, "Anna", "pass"), (6, "Anna", "pass"), (2, "Anna", "fail"))
    decide(line, (3, "Anna", "fail"), (3, "Ben", "pass"), (4, "Anna", "recheck"))
    assert new_labels(line._database) == NewLabels(good=1, defective=1, surprising=1, conflicts=1)
    line.close()


def test_what_was_exported_is_new_no_more_until_it_is_decided_on_again(
    line: StoreReader, tmp_path: Path
) -> None:
    decide(line, (1, "Anna", "pass"), (3, "Anna", "fail"))
    export_labels(line._database, line._assets, tmp_path / "labels")
    assert new_labels(line._database) == NewLabels(0, 0, 0, 0)
    decide(line, (3, "Anna", "pass"), (5, "Anna", "fail"))
    assert new_labels(line._database) == NewLabels(good=1, defective=1, surprising=2, conflicts=0)
    line.close()


@pytest.mark.parametrize(
    ("new", "worth"),
    [
        (NewLabels(100, 4, 4, 0), False),
        (NewLabels(34, 5, 4, 0), False),
        (NewLabels(35, 5, 0, 0), True),
        (NewLabels(0, 5, 5, 0), True),
        (NewLabels(0, 0, 0, 99), False),
    ],
)
def test_enough_of_both_or_enough_that_the_line_got_wrong_is_worth_it(
    new: NewLabels, worth: bool
) -> None:
    assert new.is_worth_it is worth
