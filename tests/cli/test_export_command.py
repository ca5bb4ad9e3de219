import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.bundle.read import open_bundle
from span_train.finetune.run import TrainedLine
from tests.deploy.bundle.test_signature import save_keys

Inspect = Callable[..., tuple[int, str, str]]


@pytest.fixture
def export(
    run_inspect: Inspect,
    make_trained: Callable[..., TrainedLine],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Inspect:
    """Run `inspect export` of the tiny line, with more options."""
    monkeypatch.setattr("deploy.export.run.load_trained", lambda _run: make_trained())
    monkeypatch.delenv("INSPECT_PUBLIC_KEY", raising=False)
    return lambda *options: run_inspect("export", "--run", tmp_path / "run", *options)


def test_export_writes_a_bundle_and_prints_only_the_result(export: Inspect, tmp_path: Path) -> None:
    out_folder = tmp_path / "bundle"
    code, out, err = export("--out", out_folder, "--json")
    assert (code, err) == (0, "")
    bundle = open_bundle(out_folder)
    assert json.loads(out) == {
        "bundle": str(out_folder),
        "bundle_id": bundle.bundle_id,
        "precision": "float32",
        "model_id": bundle.manifest.model_id,
    }
    code, out, err = export("--out", out_folder)
    assert (code, out) == (3, "")
    assert err == (
        f"inspect: {out_folder}: exists already, and a bundle never replaces anything; "
        "choose another --out.\n"
    )


def test_a_signed_zip_is_verified_with_its_key_alone(
    export: Inspect, run_inspect: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (private, public), (_, other) = (
        save_keys(tmp_path / name, Ed25519PrivateKey.generate()) for name in ("ours", "theirs")
    )
    packed = tmp_path / "bundle.zip"
    code, out, err = export("--out", packed, "--sign-key", private, "--check-images", 0)
    assert (code, err) == (0, "")
    assert f"next: inspect verify {packed}" in out
    assert run_inspect("verify", packed)[1].endswith("as no public key is configured\n")
    assert run_inspect("verify", packed, "--public-key", public)[1].endswith("signature right\n")
    monkeypatch.setenv("INSPECT_PUBLIC_KEY", str(other))
    code, out, err = run_inspect("verify", packed)
    assert (code, out) == (3, "")
    assert err.startswith(f"inspect: {packed / 'manifest.sig'}: not made for this manifest.json")


def test_int8_without_images_to_check_it_on_ends_with_code_3(
    export: Inspect, tmp_path: Path
) -> None:
    code, out, err = export("--out", tmp_path / "b", "--precision", "int8", "--check-images", 0)
    assert (code, out) == (3, "")
    assert "int8 is only exported with calibration images" in err


@pytest.mark.parametrize(
    "options", [("--precision", "int4"), ("--max-flips", 1.5), ("--check-images", -1)]
)
def test_options_out_of_range_end_with_code_2(
    export: Inspect, tmp_path: Path, options: tuple[object, ...]
) -> None:
    assert export("--out", tmp_path / "b", *options)[0] == 2
