from pathlib import Path

import pyarrow as pa
import pytest

from deploy.scoring.journal import Journal, RunIdentity
from span_train.contract.errors import InputError

SCHEMA = pa.schema([("path", pa.string())])
IMAGES = [f"/data/{number}.png" for number in range(10)]
IDENTITY = RunIdentity(bundle_id="a" * 64, inputs=("/data",))


def table(places: list[str]) -> pa.Table:
    return pa.table({"path": places}, schema=SCHEMA)


def waiting(journal: Journal) -> list[str]:
    return [place for _, place in journal.waiting()]


def kept(journal: Journal) -> list[str]:
    return [path for part in journal.tables() for path in part.column("path").to_pylist()]


def test_a_run_goes_on_after_its_last_chunk(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
        assert (journal.total, journal.done) == (10, 0)
        journal.keep(table(IMAGES[:4]))
        journal.keep(table(IMAGES[4:6]))
    with Journal(tmp_path / "j", IDENTITY) as again:
        again.start([])
        assert (again.total, again.done) == (10, 6)
        assert list(again.waiting()) == list(enumerate(IMAGES))[6:]
        again.keep(table(waiting(again)))
        assert kept(again) == IMAGES
        again.remove()
    assert not list(tmp_path.iterdir())


def test_a_run_keeps_the_list_it_began_with(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
    with Journal(tmp_path / "j", IDENTITY) as again:
        again.start([*IMAGES, "/data/new.png"])
        assert waiting(again) == IMAGES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bundle_id": "b" * 64}, "with bundle aaaaaaaa, not bbbbbbbb"),
        ({"inputs": ("/other",)}, "of /data, not /other"),
        ({"sink": "line.db"}, "without a store, not with the store line.db"),
    ],
)
def test_another_run_may_not_go_on_with_it(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
        journal.keep(table(IMAGES[:4]))
    other = IDENTITY.model_copy(update=change)
    with (
        pytest.raises(InputError, match=f"unfinished run {message}; finish that run"),
        Journal(tmp_path / "j", other) as journal,
    ):
        journal.start(IMAGES)
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
        assert journal.done == 4


def test_two_processes_never_share_a_run(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
        with (
            pytest.raises(InputError, match="another process is scoring into it"),
            Journal(tmp_path / "j", IDENTITY),
        ):
            pass
        journal.keep(table(IMAGES[:1]))


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield IMAGES[0]
        raise InputError("no such folder")

    with pytest.raises(InputError, match="no such"), Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(broken())
    assert not list(tmp_path.iterdir())


def test_files_of_somebody_else_in_its_place_stay(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "mine.txt").write_text("keep me")
    with Journal(tmp_path / "j", IDENTITY):
        pass
    assert (tmp_path / "j" / "mine.txt").read_text() == "keep me"


def test_a_damaged_journal_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "journal.json").write_text("{}")
    with (
        pytest.raises(InputError, match=r"journal\.json: cannot be read as the journal .* remove"),
        Journal(tmp_path / "j", IDENTITY) as journal,
    ):
        journal.start(IMAGES)


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("a file")
    with pytest.raises(InputError, match="cannot be written to"), Journal(tmp_path / "j", IDENTITY):
        pass


def test_a_full_disk_keeps_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(IMAGES)
        journal.keep(table(IMAGES[:3]))

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("deploy.scoring.whole_files.os.fsync", full)
            with pytest.raises(InputError, match=r"No space left .*what was scored is kept"):
                journal.keep(table(IMAGES[3:5]))
        assert journal.done == 3
        assert kept(journal) == IMAGES[:3]


def test_odd_file_names_survive(tmp_path: Path) -> None:
    odd = ["/data/line\nbreak.png", "/data/\udcff.png", "/data/ä \U0001f600.png"]
    with Journal(tmp_path / "j", IDENTITY) as journal:
        journal.start(odd)
        assert waiting(journal) == odd


def test_a_disk_that_is_full_of_other_things_ends_the_listing_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deploy.scoring.journal.os.fsync", full)
    with (
        pytest.raises(InputError, match=r"images\.jsonl: cannot be written \(No space left"),
        Journal(tmp_path / "j", IDENTITY) as journal,
    ):
        journal.start(IMAGES)
    assert not list(tmp_path.iterdir())
