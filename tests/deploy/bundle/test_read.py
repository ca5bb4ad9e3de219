import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from deploy.bundle.manifest import sha256
from deploy.bundle.read import open_bundle, read_examples
from span_train.contract.errors import BundleError

PNG_START = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"


def sign_again(folder: Path) -> None:
    """Make the manifest fit the changed files, as somebody who means harm would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = sha256((folder / name).read_bytes())
    manifest["model_id"] = manifest["files"]["model.onnx"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_an_untouched_bundle_opens_with_all_it_holds(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    assert bundle.bundle_id == sha256((bundle_folder / "manifest.json").read_bytes())
    assert sha256(bundle.model_bytes) == bundle.manifest.model_id
    assert bundle.layout.names == bundle.manifest.parts == ("body", "left_lead")
    assert bundle.policy.t_fail == -1.9
    assert bundle.label == f"pump-v4 ({bundle.bundle_id[:8]})"


def test_a_bundle_may_be_moved(bundle_folder: Path, own_bundle: Path) -> None:
    assert open_bundle(own_bundle).bundle_id == open_bundle(bundle_folder).bundle_id


def test_one_changed_byte_in_any_file_is_refused_by_name(own_bundle: Path) -> None:
    files = [path for path in own_bundle.rglob("*") if path.is_file()]
    assert len(files) == 12
    for path in files:
        if path.name == "manifest.json":
            continue
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        with pytest.raises(BundleError, match=rf"{path.name}: changed.*copy the whole bundle"):
            open_bundle(own_bundle)
        path.write_bytes(content)
    open_bundle(own_bundle)


@pytest.mark.parametrize("name", ["model.onnx", "card.md", "examples/example_01.png"])
def test_a_missing_file_is_named(own_bundle: Path, name: str) -> None:
    (own_bundle / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: missing; copy the whole bundle again"):
        open_bundle(own_bundle)


def test_an_added_file_is_named(own_bundle: Path) -> None:
    (own_bundle / "examples" / "notes.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"notes\.txt: not part of the bundle; move it"):
        open_bundle(own_bundle)


def test_a_link_is_refused_even_with_the_right_content(own_bundle: Path, tmp_path: Path) -> None:
    shutil.move(own_bundle / "model.onnx", tmp_path / "elsewhere.onnx")
    (own_bundle / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: a link"):
        open_bundle(own_bundle)


def test_a_linked_folder_is_refused(own_bundle: Path, tmp_path: Path) -> None:
    shutil.move(own_bundle / "examples", tmp_path / "examples")
    (own_bundle / "examples").symlink_to(tmp_path / "examples", target_is_directory=True)
    with pytest.raises(BundleError, match="examples: a link"):
        open_bundle(own_bundle)


def test_a_folder_that_is_no_bundle_says_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: missing, so this is no complete"):
        open_bundle(tmp_path)
    with pytest.raises(BundleError, match="does not exist, expected a bundle's folder"):
        open_bundle(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match=r"no zip that can be read .* expected a bundle's folder"):
        open_bundle(tmp_path / "file")


def test_a_policy_that_is_none_is_a_bundle_error(own_bundle: Path) -> None:
    (own_bundle / "policy.json").write_text('{"version": 1, "t_pass": 2, "t_fail": 1}')
    sign_again(own_bundle)
    with pytest.raises(BundleError, match=r"policy\.json.*t_pass 2\.0 lies above"):
        open_bundle(own_bundle)


def test_a_layout_of_other_parts_is_refused(own_bundle: Path) -> None:
    manifest = json.loads((own_bundle / "manifest.json").read_text())
    text = json.dumps(manifest).replace("left_lead", "right_lead")
    (own_bundle / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"left_lead, but manifest\.json says body, right_lead"):
        open_bundle(own_bundle)


def test_examples_come_with_the_answers_of_export(bundle_folder: Path) -> None:
    examples = read_examples(open_bundle(bundle_folder))
    assert examples.names[0] == "examples/example_00.png"
    assert [image.shape for image in examples.images] == [(48, 64, 3)] * 4
    assert examples.fitted_nhwc.shape == (4, 32, 32, 3)
    assert examples.outputs["evidence"].shape == (4, 3, 4, 4)
    assert set(examples.verdicts) == {"pass", "fail"}


def test_a_pickle_among_the_answers_is_never_loaded(own_bundle: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (own_bundle.parent / "exploded",))

    answers = dict(np.load(own_bundle / "examples" / "expected.npz"))
    answers["logits"] = np.array([Bomb()], dtype=object)
    np.savez(own_bundle / "examples" / "expected.npz", **answers)
    sign_again(own_bundle)
    with pytest.raises(BundleError, match=r"expected\.npz: no expected outputs"):
        read_examples(open_bundle(own_bundle))
    assert not (own_bundle.parent / "exploded").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip"])
def test_answers_that_are_no_archive_are_a_bundle_error(own_bundle: Path, content: bytes) -> None:
    (own_bundle / "examples" / "expected.npz").write_bytes(content)
    sign_again(own_bundle)
    with pytest.raises(BundleError, match=r"expected\.npz: no expected outputs"):
        read_examples(open_bundle(own_bundle))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("layout.png", b"not a picture of masks at all", "no PNG, expected the parts' masks"),
        ("layout.png", PNG_START + struct.pack(">II", 40_000, 40_000), "40000x40000 pixels"),
        ("layout.json", b'{"version": 1, "parts": [1], "remarks": []}', "no readable layout"),
        ("layout.json", b"[" * 99_999, "no readable layout"),
        ("policy.json", b"\xff\xfe", "no valid policy"),
    ],
)
def test_a_layout_or_policy_that_is_none_is_a_bundle_error(
    own_bundle: Path, name: str, content: bytes, message: str
) -> None:
    (own_bundle / name).write_bytes(content)
    sign_again(own_bundle)
    with pytest.raises(BundleError, match=message):
        open_bundle(own_bundle)


def test_answers_that_are_words_are_refused(own_bundle: Path) -> None:
    answers = dict(np.load(own_bundle / "examples" / "expected.npz"))
    answers["outlier"] = answers["outlier"].astype(str)
    np.savez(own_bundle / "examples" / "expected.npz", **answers)
    sign_again(own_bundle)
    with pytest.raises(BundleError, match="outlier does not fit"):
        read_examples(open_bundle(own_bundle))


def test_answers_of_another_size_are_refused(own_bundle: Path) -> None:
    answers = dict(np.load(own_bundle / "examples" / "expected.npz"))
    answers["evidence"] = answers["evidence"][:, :, :3]
    np.savez(own_bundle / "examples" / "expected.npz", **answers)
    sign_again(own_bundle)
    with pytest.raises(BundleError, match="evidence does not fit"):
        read_examples(open_bundle(own_bundle))
