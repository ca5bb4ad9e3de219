import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.bundle.manifest import Manifest, parse_manifest, stays_inside
from span_train.contract.errors import BundleError


@pytest.fixture
def raw(bundle_folder: Path) -> dict:
    return json.loads((bundle_folder / "manifest.json").read_text())


def parsed(raw: dict) -> Manifest:
    return parse_manifest(json.dumps(raw).encode(), Path("bundle/manifest.json"))


def test_a_manifest_survives_writing_and_reading(raw: dict) -> None:
    manifest = parsed(raw)
    assert parse_manifest(manifest.as_bytes(), Path("again")) == manifest


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/passwd",
        "examples/../../x",
        "a\\b",
        "C:/x",
        "C:x",
        "./a",
        "a//b",
        "a/",
        "",
        ".",
        "..",
        "a\0b",
        "manifest.json",
    ],
)
def test_a_file_name_that_leaves_the_folder_is_refused(raw: dict, name: str) -> None:
    raw["files"][name] = "0" * 64
    with pytest.raises(BundleError, match="leave the bundle"):
        parsed(raw)


@given(st.text())
def test_a_name_that_stays_inside_never_points_outside(name: str) -> None:
    folder = Path("/bundles/pump")
    if stays_inside(name):
        resolved = (folder / name).resolve()
        assert folder in resolved.parents


def test_a_newer_version_is_refused_with_what_to_do(raw: dict) -> None:
    raw |= {"schema_version": 2, "something_new": 1}
    with pytest.raises(BundleError, match=r"schema version 2.*reads up to 1; update the program"):
        parsed(raw)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b'{"a": 1}', b"[" * 99999]
)
def test_anything_else_than_a_manifest_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"bundle/manifest\.json"):
        parse_manifest(content, Path("bundle/manifest.json"))


def test_a_part_called_like_a_group_of_features_is_refused(raw: dict) -> None:
    raw["parts"] = ["body", "elsewhere"]
    with pytest.raises(BundleError, match="must differ"):
        parsed(raw)


def test_a_feature_of_an_unknown_part_is_refused(raw: dict) -> None:
    raw["features"][0]["part"] = "lid"
    with pytest.raises(BundleError, match="unknown parts: lid"):
        parsed(raw)


def test_heads_without_their_parts_are_refused(raw: dict) -> None:
    raw["head_parts"] = raw["head_parts"][:-1]
    with pytest.raises(BundleError, match="4 heads, but 3 head_parts"):
        parsed(raw)


def test_a_needed_file_that_is_not_listed_is_named(raw: dict) -> None:
    del raw["files"]["policy.json"]
    with pytest.raises(BundleError, match=r"files not listed: policy\.json"):
        parsed(raw)


def test_a_model_id_that_is_not_the_graphs_hash_is_refused(raw: dict) -> None:
    raw["model_id"] = "0" * 64
    with pytest.raises(BundleError, match="model_id is not the hash"):
        parsed(raw)


def test_a_single_defect_type_has_no_column_of_its_own(raw: dict) -> None:
    assert parsed(raw | {"defect_types": ["scratch"]}).sizes.types == 0
    assert parsed(raw | {"defect_types": ["scratch", "blot", "dent"]}).sizes.types == 3
