import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from deploy.bundle.read import open_bundle
from deploy.bundle.signature import PUBLIC_KEY_VARIABLE, signer
from span_train.contract.errors import BundleError, InputError

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def save_keys(
    folder: Path, key: PrivateKey, locked: KeySerializationEncryption | None = None
) -> tuple[Path, Path]:
    folder.mkdir()
    private, public = folder / "key.pem", folder / "public.pem"
    private.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked or NoEncryption())
    )
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return save_keys(tmp_path / "keys", ed25519.Ed25519PrivateKey.generate())


@pytest.fixture
def other_keys(tmp_path: Path) -> tuple[Path, Path]:
    return save_keys(tmp_path / "other", ed25519.Ed25519PrivateKey.generate())


@pytest.fixture
def signed(own_bundle: Path, keys: tuple[Path, Path]) -> Path:
    """A bundle signed for the first keys."""
    sign = signer(keys[0])
    (own_bundle / "manifest.sig").write_bytes(sign((own_bundle / "manifest.json").read_bytes()))
    return own_bundle


def test_the_right_signature_is_accepted(signed: Path, keys: tuple[Path, Path]) -> None:
    assert open_bundle(signed, keys[1]).signature == "checked"


def test_without_a_key_a_signature_is_not_checked(signed: Path, bundle_folder: Path) -> None:
    assert open_bundle(signed).signature == "not checked"
    assert open_bundle(bundle_folder).signature == "none"


def test_an_unsigned_bundle_is_refused_where_a_key_is_configured(
    own_bundle: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, str(keys[1]))
    with pytest.raises(BundleError, match=r"manifest\.sig: missing, but only bundles signed for"):
        open_bundle(own_bundle)
    monkeypatch.setenv(PUBLIC_KEY_VARIABLE, "")
    open_bundle(own_bundle)


def test_a_signature_of_somebody_else_is_refused(
    signed: Path, other_keys: tuple[Path, Path]
) -> None:
    with pytest.raises(BundleError, match=r"manifest\.sig: not made .* do not use it"):
        open_bundle(signed, other_keys[1])


def test_a_manifest_changed_after_signing_is_refused(signed: Path, keys: tuple[Path, Path]) -> None:
    manifest = json.loads((signed / "manifest.json").read_text())
    (signed / "manifest.json").write_text(json.dumps(manifest | {"evidence_scale": 99.0}))
    assert open_bundle(signed).manifest.evidence_scale == 99.0
    with pytest.raises(BundleError, match="the bundle was changed, or signed by somebody else"):
        open_bundle(signed, keys[1])


@pytest.mark.parametrize("content", [b"", b"short", bytes(64), bytes(5000)])
def test_a_signature_that_is_none_is_refused(
    signed: Path, keys: tuple[Path, Path], content: bytes
) -> None:
    (signed / "manifest.sig").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.sig: not made for"):
        open_bundle(signed, keys[1])


def test_a_key_of_another_kind_is_refused_with_how_to_make_one(
    tmp_path: Path, bundle_folder: Path
) -> None:
    private, public = save_keys(tmp_path / "ec", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InputError, match=r"no Ed25519 private key .* genpkey -algorithm ed25519"):
        signer(private)
    with pytest.raises(InputError, match=r"no Ed25519 public key .* -pubout"):
        open_bundle(bundle_folder, public)


def test_a_file_that_is_no_key_is_refused(
    tmp_path: Path, bundle_folder: Path, keys: tuple[Path, Path]
) -> None:
    (tmp_path / "text").write_text("no key")
    for wrong in (tmp_path / "text", keys[1]):
        with pytest.raises(InputError, match="no Ed25519 private key"):
            signer(wrong)
    for wrong in (tmp_path / "text", keys[0]):
        with pytest.raises(InputError, match="no Ed25519 public key"):
            open_bundle(bundle_folder, wrong)
    with pytest.raises(InputError, match=r"nowhere\.pem: cannot be read \(No such file"):
        open_bundle(bundle_folder, tmp_path / "nowhere.pem")


def test_a_locked_key_says_how_to_unlock_it(tmp_path: Path) -> None:
    locked = BestAvailableEncryption(b"secret")
    private, _ = save_keys(tmp_path / "keys", ed25519.Ed25519PrivateKey.generate(), locked)
    with pytest.raises(InputError, match=r"locked by a passphrase; .*openssl pkey -in key\.pem"):
        signer(private)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_keys_made_as_the_help_says_work(own_bundle: Path, tmp_path: Path) -> None:
    for line in (
        "openssl genpkey -algorithm ed25519 -out key.pem",
        "openssl pkey -in key.pem -pubout -out public.pem",
    ):
        subprocess.run(line.split(), cwd=tmp_path, check=True, capture_output=True)
    sign = signer(tmp_path / "key.pem")
    (own_bundle / "manifest.sig").write_bytes(sign((own_bundle / "manifest.json").read_bytes()))
    assert open_bundle(own_bundle, tmp_path / "public.pem").signature == "checked"
