import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.bundle.container import bundle_files
from deploy.bundle.read import open_bundle, read_examples
from span_train.contract.errors import BundleError


def pack(folder: Path, out: Path) -> Path:
    """A folder as a zip, as any program would write it: with entries for folders."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return out


@pytest.fixture
def zipped(bundle_folder: Path, tmp_path: Path) -> Path:
    return pack(bundle_folder, tmp_path / "bundle.zip")


def add(zipped: Path, name: str, content: bytes = b"evil", **how: object) -> None:
    entry = zipfile.ZipInfo(name)
    entry.filename = name  # also what ZipInfo would clean
    for key, value in how.items():
        setattr(entry, key, value)
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr(entry, content)


def test_a_zip_is_read_like_its_folder_and_nothing_is_unpacked(
    bundle_folder: Path, zipped: Path
) -> None:
    before = sorted(zipped.parent.rglob("*"))
    bundle = open_bundle(zipped)
    assert bundle.bundle_id == open_bundle(bundle_folder).bundle_id
    assert len(read_examples(bundle).images) == 4
    assert sorted(zipped.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/evil.txt", "examples/../../evil.txt", "C:/evil.txt", "a\\b", "./a", "../"],
)
def test_a_name_that_leads_outside_is_refused(zipped: Path, name: str) -> None:
    add(zipped, name)
    with pytest.raises(BundleError, match=r"bundle\.zip: the entry .* may lead outside"):
        open_bundle(zipped)
    assert not list(zipped.parent.parent.rglob("evil*"))


def test_a_link_in_a_zip_is_refused(zipped: Path) -> None:
    add(zipped, "link", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(BundleError, match=r"'link' is a link, where only plain files"):
        open_bundle(zipped)


def test_a_name_that_is_there_twice_is_refused(zipped: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        add(zipped, "model.onnx")
    with pytest.raises(BundleError, match=r"'model\.onnx' is there twice"):
        open_bundle(zipped)


def test_an_unusual_packing_is_refused(zipped: Path) -> None:
    add(zipped, "more", compress_type=zipfile.ZIP_LZMA)
    with pytest.raises(BundleError, match="'more' is packed in an unusual way"):
        open_bundle(zipped)


def test_an_encrypted_entry_is_refused(zipped: Path) -> None:
    content = bytearray(zipped.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    zipped.write_bytes(content)
    with pytest.raises(BundleError, match="is encrypted"):
        open_bundle(zipped)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(zipped: Path) -> None:
    add(zipped, "zeros", bytes(90 << 20), compress_type=zipfile.ZIP_DEFLATED)
    assert zipped.stat().st_size < 1 << 20
    with pytest.raises(BundleError, match=r"94,\d+,\d+ bytes of content, and at most"):
        open_bundle(zipped)


def test_an_entry_never_gives_more_than_it_declares(zipped: Path) -> None:
    content = bytearray(zipped.read_bytes())
    with zipfile.ZipFile(zipped) as archive:
        size = archive.getinfo("card.md").file_size
    place = content.index(b"card.md", content.index(b"PK\x01\x02")) - 46
    content[place + 24 : place + 28] = (16).to_bytes(4, "little")
    zipped.write_bytes(content)
    with bundle_files(zipped) as files, pytest.raises(BundleError, match=r"card\.md: cannot be"):
        assert len(files.read("card.md")) < size


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"a text", b"PK\x03\x04" + bytes(200)])
def test_a_file_that_is_no_zip_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.zip").write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.zip: no zip that can be read"):
        open_bundle(tmp_path / "bundle.zip")


def test_a_zip_of_another_thing_misses_its_manifest(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.png", b"")
    with pytest.raises(BundleError, match=r"photos\.zip/manifest\.json: missing"):
        open_bundle(tmp_path / "photos.zip")


def test_more_files_than_a_bundle_has_are_refused(
    bundle_folder: Path, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.bundle.container.MOST_FILES", 5)
    for path in (bundle_folder, zipped):
        with pytest.raises(BundleError, match="more than 5 files"):
            open_bundle(path)


def test_a_pipe_in_a_folder_is_refused_without_waiting(own_bundle: Path) -> None:
    os.mkfifo(own_bundle / "pipe")
    with pytest.raises(BundleError, match="pipe: a special file"):
        open_bundle(own_bundle)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_damaged_zip_is_refused_or_whole(
    bundle_folder: Path, zipped: Path, data: st.DataObject
) -> None:
    content = bytearray(pack(bundle_folder, zipped).read_bytes())
    directory = content.rindex(b"PK\x01\x02") - 600
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.sampled_from([0, directory]))
        content[data.draw(st.integers(first, len(content) - 1))] = data.draw(st.integers(0, 255))
    zipped.write_bytes(content)
    try:
        bundle = open_bundle(zipped)
    except BundleError:
        return
    assert bundle.bundle_id == open_bundle(bundle_folder).bundle_id
