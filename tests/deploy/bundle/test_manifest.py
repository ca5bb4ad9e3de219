import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
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
        "manifest.sig",
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
    raw |= {"schema_version": 3, "something_new": 1}
    with pytest.raises(BundleError, match=r"schema version 3.*reads up to 1; update the program"):
        parsed(raw)


@pytest.mark.parametrize("version", [0, -1, "2", 2.5, None, True, [2]])
def test_a_version_that_never_was_is_refused(raw: dict, version: object) -> None:
    with pytest.raises(BundleError, match="schema_version"):
        parsed(raw | {"schema_version": version})


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


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_manifest_it_is_read_or_refused(
    raw: dict, data: st.DataObject
) -> None:
    changed = dict(raw)
    for key in data.draw(st.lists(st.sampled_from([*raw, "more"]), max_size=2)):
        changed[key] = data.draw(ANY_JSON)
    try:
        manifest = parsed(changed)
    except BundleError as problem:
        str(problem).encode()
    else:
        assert parse_manifest(manifest.as_bytes(), Path("again")) == manifest


@settings(max_examples=100)
@given(st.binary(max_size=80))
def test_bytes_that_are_no_manifest_are_refused(content: bytes) -> None:
    with pytest.raises(BundleError):
        parse_manifest(content, Path("bundle/manifest.json"))
