"""When a file counts as finished, by a clock that the test moves."""

from inspect_app.watch import finished_files
from inspect_app.watch.finished_files import FileMark, FinishedFiles


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def mark(size_bytes: int = 10, time_ns: int = 5_000) -> FileMark:
    return FileMark(size_bytes, time_ns)


def keys(files: FinishedFiles, most: int = 10) -> list[str]:
    return [one.key for one in files.due(most)]


def test_a_file_is_due_when_it_has_rested() -> None:
    clock = Clock()
    files = FinishedFiles(1.0, 5.0, clock)
    files.saw("a.png", mark())
    assert keys(files) == []
    assert files.next_due_s() == 1.0
    clock.now_s += 1.0
    assert keys(files) == ["a.png"]
    assert files.next_due_s() == 0.0


def test_a_file_that_grows_rests_anew_each_time() -> None:
    clock = Clock()
    files = FinishedFiles(1.0, 5.0, clock)
    for size_bytes in (10, 20, 30):
        files.saw("a.png", mark(size_bytes))
        clock.now_s += 0.9
        assert keys(files) == []
    clock.now_s += 0.1
    assert files.due(1)[0].mark == mark(30)


def test_a_file_of_the_same_size_with_a_newer_time_rests_anew() -> None:
    clock = Clock()
    files = FinishedFiles(1.0, 5.0, clock)
    files.saw("a.png", mark(time_ns=1))
    clock.now_s += 0.9
    files.saw("a.png", mark(time_ns=2))
    clock.now_s += 0.9
    assert keys(files) == []


def test_a_file_that_was_renamed_in_is_due_at_once_also_where_it_was_seen_before() -> None:
    files = FinishedFiles(1.0, 5.0, Clock())
    files.saw("seen.png", mark())
    files.saw("seen.png", mark(), renamed_in=True)
    files.saw("new.png", mark(), renamed_in=True)
    assert keys(files) == ["seen.png", "new.png"]


def test_files_come_in_the_order_in_which_they_were_seen_whatever_their_times() -> None:
    files = FinishedFiles(0.0, 5.0, Clock())
    for name, time_ns in (("late.png", 9), ("early.png", 1), ("middle.png", 5)):
        files.saw(name, mark(time_ns=time_ns))
    assert keys(files) == ["late.png", "early.png", "middle.png"]
    assert keys(files, most=2) == ["late.png", "early.png"]


def test_a_doubtful_file_rests_for_longer_and_is_sure_then() -> None:
    clock = Clock()
    files = FinishedFiles(1.0, 5.0, clock)
    files.saw("a.png", mark())
    clock.now_s += 1.0
    assert files.due(1)[0].sure is False
    files.doubt("a.png")
    clock.now_s += 3.9
    assert keys(files) == []
    clock.now_s += 0.1
    assert files.due(1)[0].sure is True


def test_a_doubtful_file_that_grows_after_all_is_an_ordinary_one() -> None:
    clock = Clock()
    files = FinishedFiles(1.0, 5.0, clock)
    files.saw("a.png", mark(10))
    clock.now_s += 1.0
    files.doubt("a.png")
    files.saw("a.png", mark(20))
    clock.now_s += 1.0
    assert keys(files) == ["a.png"]


def test_a_blocked_file_comes_again_later_and_lets_others_pass() -> None:
    clock = Clock()
    files = FinishedFiles(0.0, 5.0, clock)
    files.saw("a.png", mark())
    files.saw("b.png", mark())
    files.not_now("a.png", 3.0)
    assert keys(files) == ["b.png"]
    clock.now_s += 3.0
    assert keys(files) == ["a.png", "b.png"]


def test_a_file_that_is_dealt_with_comes_again_only_when_it_changes() -> None:
    files = FinishedFiles(0.0, 5.0, Clock())
    files.dealt_with("a.png", mark(10))
    files.saw("a.png", mark(10))
    assert keys(files) == []
    files.saw("a.png", mark(11))
    assert keys(files) == ["a.png"]


def test_files_that_a_look_does_not_find_are_forgotten() -> None:
    files = FinishedFiles(0.0, 5.0, Clock())
    files.saw("a.png", mark())
    files.dealt_with("b.png", mark())
    files.keep_only({})
    assert len(files) == 0
    files.saw("b.png", mark())
    assert keys(files) == ["b.png"]


def test_more_files_than_fit_are_left_for_a_later_look() -> None:
    files = FinishedFiles(0.0, 5.0, Clock())
    for number in range(finished_files.MOST_WAITING + 1):
        files.saw(f"{number}.png", mark())
    assert len(files) == finished_files.MOST_WAITING
    assert files.overflowed
    files.gone("0.png")
    files.keep_only({f"{number}.png" for number in range(finished_files.MOST_WAITING + 1)})
    assert not files.overflowed
