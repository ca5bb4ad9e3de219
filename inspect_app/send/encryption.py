"""TLS to a destination: whom to believe, and who we are there."""

import ssl
from pathlib import Path

from span_train.contract.errors import SettingsError


class _ClosedOnFailure(ssl.SSLSocket):
    """A connection that does not stay open when the other side turns out to be a stranger."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree on the encryption."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(ca_file: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Check the other side's certificate and host name; show our own certificate, if given.

    Args:
        ca_file: Whom to believe instead of the system's authorities, such as the plant's own.
        key: Of the certificate, where it lies in a file of its own.

    Raises:
        SettingsError: A file is missing, or is not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as problem:
        raise SettingsError(f"{ca_file}: no certificates in PEM to check by ({problem}).") from None
    context.sslsocket_class = _ClosedOnFailure
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ssl.SSLError) as problem:
            raise SettingsError(
                f"{certificate}: no certificate in PEM with its key ({problem}); give the key with "
                "--client-key where it has a file of its own, without a password."
            ) from None
    return context


def _no_password() -> str:
    """A process without a terminal must not wait for somebody to type."""
    return ""
