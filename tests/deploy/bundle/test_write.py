from pathlib import Path

import pytest

from deploy.bundle.read import open_bundle, read_examples
from deploy.bundle.write import BundleContents, check_free, write_bundle
from span_train.contract.errors import BundleError, GateMissed


@pytest.fixture
def contents(bundle_folder: Path) -> BundleContents:
    bundle = open_bundle(bundle_folder)
    examples = read_examples(bundle)
    facts = bundle.manifest.model_dump(exclude={"files", "model_id", "schema_version"})
    return BundleContents(
        model_bytes=bundle.model_bytes,
        layout=bundle.layout,
        policy=bundle.policy,
        facts=facts,
        parity={"images": 4},
        card="card\n",
        examples=examples.images,
        fitted_nhwc=examples.fitted_nhwc,
        outputs=examples.outputs,
        verdicts=examples.verdicts,
    )


def test_the_same_contents_give_the_same_bundle_id(
    contents: BundleContents, tmp_path: Path
) -> None:
    first = open_bundle(write_bundle(contents, tmp_path / "a"))
    second = open_bundle(write_bundle(contents, tmp_path / "b"))
    assert first.bundle_id == second.bundle_id
    assert first.manifest.model_id == second.manifest.model_id


def test_a_zip_holds_the_same_bundle_in_the_same_bytes(
    contents: BundleContents, tmp_path: Path
) -> None:
    folder = open_bundle(write_bundle(contents, tmp_path / "bundle"))
    first, second = (write_bundle(contents, tmp_path / name) for name in ("a.zip", "b.ZIP"))
    assert open_bundle(first).bundle_id == folder.bundle_id
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.ZIP", "bundle"]


def test_a_zip_is_never_replaced(contents: BundleContents, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"mine")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere.zip")
    for name in ("a.zip", "folder.zip", "link.zip"):
        with pytest.raises(BundleError, match="exists already, and a bundle never replaces"):
            write_bundle(contents, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == b"mine"


def test_a_zip_is_checked_before_it_gets_its_name(contents: BundleContents, tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        open_bundle(path)
        raise GateMissed(f"{path.suffix} is not good enough")

    with pytest.raises(GateMissed, match=r"\.zip is not"):
        write_bundle(contents, tmp_path / "bundle.zip", check=refuse)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_may_be_filled(contents: BundleContents, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    open_bundle(write_bundle(contents, tmp_path / "bundle"))


def test_nothing_that_exists_is_replaced(contents: BundleContents, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine.txt").write_text("keep me")
    with pytest.raises(BundleError, match="exists already, and a bundle never replaces"):
        write_bundle(contents, tmp_path / "bundle")
    assert (tmp_path / "bundle" / "mine.txt").read_text() == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_failed_check_leaves_nothing(contents: BundleContents, tmp_path: Path) -> None:
    def refuse(folder: Path) -> None:
        open_bundle(folder)
        raise GateMissed("not good enough")

    with pytest.raises(GateMissed):
        write_bundle(contents, tmp_path / "bundle", check=refuse)
    assert not list(tmp_path.iterdir())


def test_a_failure_in_the_middle_leaves_nothing(
    contents: BundleContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deploy.bundle.write.save_policy", full)
    with pytest.raises(BundleError, match="No space left"):
        write_bundle(contents, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="cannot be written to"):
        check_free(tmp_path / "file" / "bundle")
    check_free(tmp_path / "new" / "bundle")
    assert not list((tmp_path / "new").iterdir())
