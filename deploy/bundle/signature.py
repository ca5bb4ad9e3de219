"""Sign a bundle at export, and refuse on the line one that nobody trusted has signed.

The signature is Ed25519 over the bytes of `manifest.json`, which holds the hash of every other
file. Keys are PEM files as `openssl genpkey -algorithm ed25519` writes them.
"""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.bundle.manifest import MANIFEST, SIGNATURE
from span_train.contract.errors import BundleError, InputError

PUBLIC_KEY_VARIABLE = "INSPECT_PUBLIC_KEY"
Sign = Callable[[bytes], bytes]


def signer(private_key: Path) -> Sign:
    """What signs a manifest's bytes with a private key file.

    Raises:
        InputError: The file is no Ed25519 private key in PEM, or is locked by a passphrase.
    """
    content = _key_bytes(private_key)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError:
        raise InputError(
            f"{private_key}: locked by a passphrase; write an unlocked copy for the export "
            f"(openssl pkey -in {private_key.name} -out unlocked.pem), and remove it afterwards."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(_no_key(private_key, "private")) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(_no_key(private_key, "private"))
    return key.sign


def configured_key(given: Path | None) -> Path | None:
    """The public key file that bundles must be signed for: as given, else from the environment."""
    named = os.environ.get(PUBLIC_KEY_VARIABLE, "")
    return given or (Path(named) if named else None)


def check_signed(bundle: Path, manifest: bytes, signature: bytes | None, public_key: Path) -> None:
    """Refuse a bundle whose manifest was not signed with the private key of a public key file.

    Args:
        bundle: Where the bundle lies, for messages.
        signature: The content of `manifest.sig`; None where there is none.

    Raises:
        BundleError: There is no signature, or it is not that key's for this manifest.
        InputError: The file is no Ed25519 public key in PEM.
    """
    content = _key_bytes(public_key)
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(_no_key(public_key, "public")) from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(_no_key(public_key, "public"))
    if signature is None:
        raise BundleError(
            f"{bundle / SIGNATURE}: missing, but only bundles signed for {public_key} may be used "
            "here; export it with --sign-key, or copy the bundle again with this file."
        )
    try:
        key.verify(signature, manifest)
    except InvalidSignature:
        raise BundleError(
            f"{bundle / SIGNATURE}: not made for this {MANIFEST} with the private key of "
            f"{public_key}; the bundle was changed, or signed by somebody else: do not use it."
        ) from None


def _key_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be read ({problem.strerror}), expected a key file."
        ) from None


def _no_key(path: Path, kind: str) -> str:
    make = {
        "private": "openssl genpkey -algorithm ed25519 -out key.pem",
        "public": "openssl pkey -in key.pem -pubout -out public.pem",
    }
    return f"{path}: no Ed25519 {kind} key in PEM; make one with: {make[kind]}"
