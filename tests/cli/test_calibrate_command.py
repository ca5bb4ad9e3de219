"""`inspect calibrate` at the command line: exit codes, messages, JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.bundle.read import open_bundle
from tests.tiny_bundle import draw_part, save_image

Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture
def calibrate(
    run_inspect: Inspect, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Inspect:
    """Run `inspect calibrate` of the tiny bundle on ten new parts, with more options."""
    monkeypatch.delenv("INSPECT_PUBLIC_KEY", raising=False)
    rows = ["image_path,label"]
    for number in range(10):
        save_image(tmp_path / "photos" / f"{number}.png", draw_part(200 + number, number > 4))
        rows.append(f"{number}.png,{'blot' if number > 4 else 'good'}")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, ""]))
    fixed = ("--images", tmp_path / "photos", "--labels", tmp_path / "labels.csv")
    who = ("--by", "Ito", "--why", "new lamp", "--provider", "cpu")
    return lambda *more: run_inspect("calibrate", bundle_folder, *fixed, *who, *more)


def test_goals_that_hold_end_with_code_0_and_say_what_moved(
    calibrate: Inspect, tmp_path: Path
) -> None:
    goal = "escape=0.6,overkill=0.6,confidence=0.9"
    code, out, err = calibrate("--goal", goal, "--out", tmp_path / "b2", "--defect-rate", 0.01)
    policy = open_bundle(tmp_path / "b2").policy
    assert code == 0
    assert "At most 60 % of defective parts pass" in out
    assert f"t_pass        -2.0000 -> {policy.t_pass:.4f}" in out
    assert "probabilities for a defect rate of 0.01" in out
    assert "same graph, new policy" in out
    assert err.startswith("note: this bundle does not know which images")


def test_a_goal_that_cannot_be_shown_ends_with_code_4_and_a_bundle(
    calibrate: Inspect, tmp_path: Path
) -> None:
    options = ("--goal", "escape=0.01,overkill=0.02", "--out", tmp_path / "b2", "--json")
    code, out, _ = calibrate(*options)
    said = json.loads(out)
    assert code == 4
    assert said["goals_met"] is False
    assert said["bundle_id"] == open_bundle(tmp_path / "b2").bundle_id
    assert said["policy"]["claims"][0]["missing"] == 368 - 5


def test_unreadable_images_end_with_code_5(calibrate: Inspect, tmp_path: Path) -> None:
    (tmp_path / "photos" / "0.png").write_bytes(b"")
    goal = ("--goal", "escape=0.9,overkill=0.9,confidence=0.5")
    assert calibrate(*goal, "--out", tmp_path / "b2")[0] == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--goal", "escape=0.01"), "expected escape=NUMBER,overkill=NUMBER"),
        (("--goal", "escape=0.01,overkill=2"), "expected shares between 0 and 1"),
        (("--goal", "escape=0.01,overkil=0.1"), "expected escape=NUMBER,overkill=NUMBER"),
        (("--cost", "escape=1,overkill=1,recheck=1"), "add --defect-rate"),
        (("--defect-rate", "1.5"), "between 0 and 1"),
    ],
)
def test_wrong_options_end_with_code_2(
    calibrate: Inspect, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    goal = () if options[0] == "--goal" else ("--goal", "escape=0.1,overkill=0.1")
    code, out, err = calibrate(*goal, *options, "--out", tmp_path / "b2")
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "b2").exists()


def test_a_bundle_without_goals_asks_for_them(calibrate: Inspect, tmp_path: Path) -> None:
    code, _, err = calibrate("--out", tmp_path / "b2")
    assert code == 3
    assert err.endswith("its policy has no goals; state them with --goal.\n")
