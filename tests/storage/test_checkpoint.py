"""A checkpoint is whole or not there."""

from pathlib import Path

import pytest
import torch

from span_train.contract.errors import RunError
from span_train.storage import checkpoint
from span_train.storage.checkpoint import load_checkpoint, save_checkpoint


def test_tensors_and_state_come_back(tmp_path: Path) -> None:
    tensors = {
        "float": torch.randn(3, 4),
        "turned": torch.arange(6).reshape(2, 3).T,
        "scalar": torch.tensor(7.0),
        "trained": torch.nn.Parameter(torch.ones(2)),
    }
    save_checkpoint(tmp_path / "one.safetensors", tensors, {"step": 12, "note": "é"})
    found, state = load_checkpoint(tmp_path / "one.safetensors")
    assert state == {"step": 12, "note": "é"}
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]


def test_a_write_that_fails_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.safetensors"
    save_checkpoint(path, {"a": torch.ones(2)}, {"step": 1})

    def full(tensors: object, file: Path, metadata: object) -> None:
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(RunError, match=r"cannot be written \(no space left .*free space, then --r"):
        save_checkpoint(path, {"a": torch.zeros(2)}, {"step": 2})
    found, state = load_checkpoint(path)
    assert state == {"step": 1}
    assert torch.equal(found["a"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["one.safetensors"]  # no room is lost


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint", b"\x10" + b"\0" * 40])
def test_what_is_no_checkpoint_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"one\.safetensors: is no readable checkpoint"):
        load_checkpoint(path)
