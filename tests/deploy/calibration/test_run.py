"""A new policy for a bundle: the graph stays, the history grows, and no image proves itself."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.bundle.read import open_bundle, read_file
from deploy.bundle.rewrite import write_with_policy
from deploy.bundle.seen import SeenImages, read_seen
from deploy.calibration.run import CalibrationRequest, calibrate_bundle
from deploy.runtime.verify import verify_bundle
from span_train.contract.errors import BundleError, InputError, LabelError
from span_train.data.catalog import content_hash
from span_train.policy.policy import Goal
from span_train.policy.recalibrate import Wish
from tests.deploy.bundle.test_signature import save_keys
from tests.tiny_bundle import draw_part, save_image

Request = Callable[..., CalibrationRequest]
GOALS = Goal(escape=0.3, overkill=0.3, confidence=0.9)
GOOD, DEFECTIVE = 12, 12


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New parts that the bundle has not seen, and their labels."""
    folder = tmp_path_factory.mktemp("photos")
    rows = []
    for number in range(GOOD + DEFECTIVE):
        defect = number >= GOOD
        save_image(folder / f"new_{number:02d}.png", draw_part(100 + number, defect))
        rows.append(f"new_{number:02d}.png,{'blot' if defect else 'good'}")
    (folder / "labels.csv").write_text("\n".join(["image_path,label", *rows, ""]))
    return folder


@pytest.fixture
def request_on(bundle_folder: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request on the tiny bundle and the new parts, with changes."""
    monkeypatch.delenv("INSPECT_PUBLIC_KEY", raising=False)
    usual = CalibrationRequest(
        bundle_folder, photos, photos / "labels.csv", Wish(GOALS), "Ito", "new lamp", provider="cpu"
    )
    return lambda **changes: replace(usual, **changes)


def labels(folder: Path, *rows: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(["image_path,label,group", *rows, ""]))
    return path


def test_the_graph_stays_and_the_policy_keeps_where_it_came_from(
    request_on: Request, bundle_folder: Path, tmp_path: Path
) -> None:
    before = open_bundle(bundle_folder)
    done = calibrate_bundle(request_on(), tmp_path / "b2")
    after = open_bundle(tmp_path / "b2")
    assert after.manifest.model_id == before.manifest.model_id
    assert after.model_bytes == before.model_bytes
    assert after.bundle_id != before.bundle_id
    (change,) = after.policy.history
    assert (change.who, change.why, change.bundle_before) == ("Ito", "new lamp", before.bundle_id)
    assert (change.t_pass_before, change.t_pass_after) == (-2.0, after.policy.t_pass)
    assert change.goals_after == GOALS
    assert change.calibration is not None
    assert (change.calibration.good, change.calibration.defective) == (GOOD, DEFECTIVE)
    assert done.goals_met
    assert verify_bundle(tmp_path / "b2", "cpu").verdict_flips == 0
    card = read_file(after, "card.md").decode()
    assert "by Ito: new lamp" in card
    assert "At most 30 % of defective parts pass" in card


def test_a_second_calibration_appends_and_a_zip_holds_the_same(
    request_on: Request, tmp_path: Path
) -> None:
    calibrate_bundle(request_on(), tmp_path / "b2.zip")
    again = request_on(bundle=tmp_path / "b2.zip", who="Ada", why="checked")
    calibrate_bundle(again, tmp_path / "b3")
    assert [each.who for each in open_bundle(tmp_path / "b3").policy.history] == ["Ito", "Ada"]


def test_a_goal_that_cannot_be_shown_is_said_and_nothing_passes(
    request_on: Request, tmp_path: Path
) -> None:
    strict = Wish(Goal(escape=0.01, overkill=0.3, confidence=0.9))
    done = calibrate_bundle(request_on(wish=strict), tmp_path / "b2")
    escape, overkill = done.bundle.policy.claims
    assert not done.goals_met
    assert (escape.shown, escape.missing, overkill.shown) == (False, 299 - DEFECTIVE, True)
    assert done.bundle.policy.t_pass is None


def test_the_worst_image_of_a_physical_part_counts_once(
    request_on: Request, photos: Path, tmp_path: Path
) -> None:
    rows = [f"new_{n:02d}.png,{'good' if n < GOOD else 'blot'},part{n // 4}" for n in range(24)]
    given = request_on(labels=labels(tmp_path, *rows))
    done = calibrate_bundle(given, tmp_path / "b2")
    change = done.bundle.policy.history[-1].calibration
    assert change is not None
    assert (change.images, change.good, change.defective) == (24, 3, 3)


def test_the_same_picture_under_two_names_is_one_part(
    request_on: Request, photos: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(photos, tmp_path / "photos"))
    shutil.copy(folder / "new_00.png", folder / "copy.png")
    with (folder / "labels.csv").open("a") as file:
        file.write("copy.png,good\n")
    done = calibrate_bundle(
        request_on(images=folder, labels=folder / "labels.csv"), tmp_path / "b2"
    )
    change = done.bundle.policy.history[-1].calibration
    assert change is not None
    assert (change.images, change.good) == (25, GOOD)


def test_damaged_unlabelled_and_strange_images_are_counted_and_said(
    request_on: Request, photos: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(photos, tmp_path / "photos"))
    (folder / "new_00.png").write_bytes(b"no picture")
    save_image(folder / "unknown.png", draw_part(900))
    save_image(folder / "odd.png", draw_part(901, True))
    with (folder / "labels.csv").open("a") as file:
        file.write("odd.png,dent\n")
    done = calibrate_bundle(
        request_on(images=folder, labels=folder / "labels.csv"), tmp_path / "b2"
    )
    told = "\n".join(done.remarks)
    assert "1 labelled images cannot be read" in told
    assert "new_00.png" in told
    assert "1 images of the folder have no label" in told
    assert "classes never trained, taken as defective: dent" in told
    assert [path.name for path, _ in done.unreadable] == ["new_00.png"]
    change = done.bundle.policy.history[-1].calibration
    assert change is not None
    assert (change.unreadable, change.unlabelled, change.good) == (1, 1, GOOD - 1)
    assert done.as_json()["unreadable"][0]["path"].endswith("new_00.png")


def test_defective_parts_alone_give_a_bundle_that_rechecks(
    request_on: Request, photos: Path, tmp_path: Path
) -> None:
    rows = [f"new_{number:02d}.png,blot," for number in range(GOOD, GOOD + DEFECTIVE)]
    done = calibrate_bundle(request_on(labels=labels(tmp_path, *rows)), tmp_path / "b2")
    policy = done.bundle.policy
    assert (policy.t_pass, policy.t_fail, done.goals_met) == (None, None, False)
    assert "there is no good calibration part" in policy.claims[0].message


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("new_00.png,good,", "new_00.png,blot,"), "given twice and differently"),
        (("new_00.png,fine,", "new_01.png,fine,"), "none is the good class"),
        (("new_77.png,good,",), "do not exist"),
    ],
)
def test_labels_that_contradict_or_miss_are_refused(
    request_on: Request, photos: Path, tmp_path: Path, rows: tuple[str, ...], said: str
) -> None:
    with pytest.raises(LabelError, match=said):
        calibrate_bundle(request_on(labels=labels(tmp_path, *rows)), tmp_path / "b2")
    assert not (tmp_path / "b2").exists()


def test_only_the_calibration_split_of_divided_labels_is_used(
    request_on: Request, photos: Path, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    rows = [
        f"new_{n:02d}.png,{'good' if n < GOOD else 'blot'},{'test' if n % 2 else 'calibration'}"
        for n in range(24)
    ]
    path.write_text("\n".join(["image_path,label,split", *rows, ""]))
    done = calibrate_bundle(request_on(labels=path), tmp_path / "b2")
    assert done.bundle.policy.claims[0].of == DEFECTIVE // 2
    assert "12 images are left out: the labels put them into another split" in done.remarks
    path.write_text("\n".join(["image_path,label,split", "new_00.png,good,test", ""]))
    with pytest.raises(LabelError, match="puts none of 1 images into calibration"):
        calibrate_bundle(request_on(labels=path), tmp_path / "b3")


@pytest.fixture
def knowing(bundle_folder: Path, photos: Path, tmp_path: Path) -> Path:
    """The bundle, had it learnt from one of the new parts and been judged on another."""
    bundle = open_bundle(bundle_folder)
    learnt, judged = (content_hash(photos / f"new_0{number}.png") for number in (3, 4))
    seen = SeenImages.of_hashes([learnt], [judged])
    return write_with_policy(bundle, bundle.policy, "card", seen, tmp_path / "knowing")


def test_images_that_the_network_learnt_from_are_refused_by_name(
    request_on: Request, knowing: Path, tmp_path: Path
) -> None:
    with pytest.raises(LabelError, match=r"(?s)learnt from 1 of these images.*new_03\.png"):
        calibrate_bundle(request_on(bundle=knowing), tmp_path / "b2")
    done = calibrate_bundle(request_on(bundle=knowing, allow_leak=True), tmp_path / "b2")
    change = done.bundle.policy.history[-1].calibration
    assert change is not None
    assert change.learnt_from == 1
    assert "claims hold for nothing" in "\n".join(done.remarks)
    assert "no claim holds" in read_file(done.bundle, "card.md").decode()


def test_images_that_chose_thresholds_before_are_told_and_remembered(
    request_on: Request, knowing: Path, tmp_path: Path
) -> None:
    first = calibrate_bundle(request_on(bundle=knowing, allow_leak=True), tmp_path / "b2")
    assert "1 of these images chose earlier thresholds, for other goals" in "\n".join(first.remarks)
    seen = read_seen(first.bundle)
    assert seen is not None
    assert len(seen.judged) == GOOD + DEFECTIVE
    same = request_on(bundle=tmp_path / "b2", allow_leak=True)
    assert "chose earlier" not in "\n".join(calibrate_bundle(same, tmp_path / "b3").remarks)


def test_a_bundle_that_does_not_know_its_images_says_so(
    request_on: Request, tmp_path: Path
) -> None:
    done = calibrate_bundle(request_on(), tmp_path / "b2")
    assert "does not know which images its network learnt from" in "\n".join(done.remarks)


def test_a_signature_is_never_copied(
    request_on: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = save_keys(tmp_path / "keys", Ed25519PrivateKey.generate())
    signed = calibrate_bundle(request_on(sign_key=private), tmp_path / "b2")
    assert (signed.bundle.folder / "manifest.sig").is_file()
    again = calibrate_bundle(request_on(bundle=tmp_path / "b2"), tmp_path / "b3")
    assert not (again.bundle.folder / "manifest.sig").exists()
    monkeypatch.setenv("INSPECT_PUBLIC_KEY", str(public))
    with pytest.raises(InputError, match="sign the new bundle with --sign-key"):
        calibrate_bundle(request_on(bundle=tmp_path / "b2"), tmp_path / "b4")
    done = calibrate_bundle(request_on(bundle=tmp_path / "b2", sign_key=private), tmp_path / "b4")
    assert done.bundle.signature == "checked"


def test_nothing_is_overwritten_and_nobody_is_anonymous(
    request_on: Request, tmp_path: Path
) -> None:
    (tmp_path / "b2").mkdir()
    (tmp_path / "b2" / "note").touch()
    with pytest.raises(BundleError, match="a bundle never replaces anything"):
        calibrate_bundle(request_on(), tmp_path / "b2")
    with pytest.raises(InputError, match="give both --by and --why"):
        calibrate_bundle(request_on(who=" "), tmp_path / "b3")
