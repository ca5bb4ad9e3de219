"""The key file: made once, for its user alone, and refused where others can read it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inspect_app.store.chain_key import ChainKeyFile
from span_train.contract.errors import StoreError


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    file = ChainKeyFile(tmp_path / "config" / "chain.key")
    key = file.load_or_make()
    assert file.load_or_make() == key == file.load()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["chain.key"]
    assert key.secret.hex() not in repr(key) + key.key_id


def test_many_that_need_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    file = ChainKeyFile(tmp_path / "chain.key")
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: file.load_or_make(), range(32)))
    assert len(keys) == 1


def test_the_place_is_the_option_then_the_variable_then_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CHAIN_KEY", str(tmp_path / "a"))
    assert ChainKeyFile(tmp_path / "b").path == tmp_path / "b"
    assert ChainKeyFile().path == tmp_path / "a"
    monkeypatch.delenv("INSPECT_CHAIN_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert ChainKeyFile().path == tmp_path / "inspect-span" / "chain.key"


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = ChainKeyFile(tmp_path / "chain.key")
    file.load_or_make()
    file.path.chmod(0o644)
    with pytest.raises(StoreError, match="other users can read or change this key; run chmod 600"):
        file.load()


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "holds 0 bytes, expected 32"), ("abcd", "holds 2 bytes"), ("key", "is no key")],
)
def test_a_damaged_key_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "chain.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(StoreError, match=said):
        ChainKeyFile(path).load_or_make()


def test_a_place_where_no_key_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot be made .*--chain-key"):
        ChainKeyFile(tmp_path / "file" / "chain.key").load_or_make()
