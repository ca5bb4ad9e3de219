"""The speed benchmark trains all contestants in turn, and its page tells what was measured."""

import multiprocessing
from pathlib import Path

import pretrain_speed
import pytest
from pretrain_speed_page import comparisons, page, peak_tflops
from speed_turns import LIGHTLY, OURS, Entry, asked_for, line_of

from span_train.contract.errors import InputError, LayoutError

SMALL = ["--side", "32", "--batch", "4", "--steps", "1", "--rounds", "2", "--device", "cpu"]
FACTS = {
    "images": 40,
    "model": "small",
    "side": 112,
    "batch": 8,
    "rounds": 3,
    "precision": "float32",
    "steps": 2,
    "lightly": "1.0",
    "command": "python benchmarks/pretrain_speed.py",
    "device": "2 threads",
    "load": "0.1",
    "where": ["a machine"],
}


def entries(device: str = "2 threads", **more: float) -> list[Entry]:
    """Ours at 90, 100 and 110 images/s with SPAN, a tenth more without; lightly at half of it."""
    facts = {"device": device, "memory_mib": 500.0, "loader_mib": 0.0, **more}
    span, alone, slow = [90.0, 100.0, 110.0], [99.0, 110.0, 121.0], [40.0, 41.0, 42.0]
    dino = {"pretrain.objective": "dino"}
    own = facts | {"flops_an_image": 1e9}
    return [
        Entry("ours, dino with SPAN", OURS, dino, rates=span, waiting=[0.01] * 3, facts=own),
        Entry("ours, dino, lambda 0", OURS, dino, rates=alone, waiting=[0.01] * 3, facts=own),
        Entry("slow", LIGHTLY, rates=slow, waiting=[0.5] * 3, facts=facts),
        Entry(
            "fast",
            LIGHTLY,
            rates=[45.0, 50.0, 55.0],
            waiting=[0.4] * 3,
            facts=facts | {"loader_mib": 200.0},
        ),
    ]


def test_comparisons_are_round_by_round_and_with_the_fastest_of_lightlys() -> None:
    assert comparisons(entries()) == [
        "A step of `dino` takes +10.0% (+10.0% to +10.0%) more time with SPAN.",
        "ours, dino with SPAN: 2.00 (2.00 to 2.00) times the images/s of fast.",
        "ours, dino, lambda 0: 2.20 (2.20 to 2.20) times the images/s of fast.",
    ]


def test_the_page_has_a_row_each() -> None:
    text = page(entries(), FACTS)
    assert "| ours, dino with SPAN | 100.0 (90.0 to 110.0) | 1.0% | 500 |" in text
    assert "| fast | 50.0 (45.0 to 55.0) | 40.0% | 500 + 200 of its loader |" in text
    assert "bf16" not in text


def test_on_a_known_card_its_share_of_the_peak_is_told() -> None:
    text = page(entries("NVIDIA H200", card_mib=1234.0), FACTS)
    assert "share of bf16 peak" in text
    assert "| 1234 | 0.0% |" in text
    assert peak_tflops("NVIDIA H100 80GB HBM3") == 989.0
    assert peak_tflops("NVIDIA A100-SXM4-40GB") == 312.0
    assert peak_tflops("2 threads") is None


def test_changes_are_laid_over_the_line_without_touching_it() -> None:
    raw = {"name": "a", "images": ["b"], "pretrain": {"steps": 3}}
    assert line_of(raw, {"pretrain.prior_weight": 0.0}).pretrain.prior_weight == 0
    assert raw["pretrain"] == {"steps": 3}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "slow: ended early; its message stands above"),
        (ImportError("No module named 'lightly'"), "'lightly'; install the dev extra"),
        (LayoutError("two parts"), "two parts"),
    ],
)
def test_a_contestant_that_cannot_go_on_stops_the_benchmark(
    answer: Exception | None, said: str
) -> None:
    ours, theirs = multiprocessing.Pipe()
    if answer is None:
        theirs.close()
    else:
        theirs.send(answer)
    with pytest.raises(InputError, match=said):
        asked_for(entries()[2], ours, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # three processes start torch and lightly, one after the other
def test_ours_and_lightlys_are_measured_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "speed.md"
    small = [*SMALL, "--objectives", "dino", "--workers", "1", "--write", str(target)]
    assert pretrain_speed.main(small) == 0
    said = capsys.readouterr().out
    assert target.read_text(encoding="utf-8") + "\n" == said
    for name in ("ours, dino with SPAN", "ours, dino, lambda 0", "lightly's DINO, 1 workers"):
        assert f"| {name} | " in said
    assert "of its loader" in said


def test_what_does_not_fit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pretrain_speed.main([*SMALL, "--images", str(tmp_path)]) == 3
    assert "holds no image" in capsys.readouterr().err
    assert pretrain_speed.main([*SMALL, "--side", "8", "--workers"]) == 3
    assert "input.side_px: Input should be greater than" in capsys.readouterr().err
    assert pretrain_speed.main([*SMALL, "--batch", "999", "--images", str(tmp_path)]) == 3
    with pytest.raises(SystemExit, match="2"):
        pretrain_speed.main(["--rounds", "0"])
