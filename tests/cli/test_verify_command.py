import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.deploy.bundle.test_signature import save_keys

Inspect = Callable[..., tuple[int, str, str]]


def test_a_whole_bundle_is_verified(run_inspect: Inspect, bundle_folder: Path) -> None:
    code, out, err = run_inspect("verify", bundle_folder, "--provider", "cpu")
    assert (code, err) == (0, "")
    assert "verified on cpu in float32 with 4 images" in out


def test_the_report_comes_as_json(run_inspect: Inspect, bundle_folder: Path) -> None:
    code, out, _ = run_inspect("verify", bundle_folder, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["images"] == 4
    assert report["verdict_flips"] == 0
    assert report["largest_difference"]["logits"] < 1e-4


def test_a_damaged_bundle_ends_with_code_3(run_inspect: Inspect, own_bundle: Path) -> None:
    (own_bundle / "card.md").unlink()
    code, out, err = run_inspect("verify", own_bundle)
    assert (code, out) == (3, "")
    assert err.startswith(f"inspect: {own_bundle / 'card.md'}: missing; copy the whole bundle")


def test_an_answer_that_differs_ends_with_code_4(
    run_inspect: Inspect, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules["deploy.runtime.agreement"].TOLERANCE, "evidence", -1.0)
    code, out, err = run_inspect("verify", bundle_folder)
    assert (code, out) == (4, "")
    assert "here on cpu: evidence of examples/" in err


def test_a_bundle_without_the_signature_asked_for_ends_with_code_3(
    run_inspect: Inspect, bundle_folder: Path, tmp_path: Path
) -> None:
    _, public = save_keys(tmp_path / "keys", Ed25519PrivateKey.generate())
    code, out, err = run_inspect("verify", bundle_folder, "--public-key", public)
    assert (code, out) == (3, "")
    assert err.startswith(f"inspect: {bundle_folder / 'manifest.sig'}: missing, but only bundles")
