"""`inspect verify`: prove that a bundle answers on this machine as it did at export."""

from pathlib import Path
from typing import Annotated

import typer

from inspect_app.cli.options import ProviderOption

_SIGNATURE = {
    "checked": "signature right",
    "not checked": "signature not checked, as no public key is configured",
    "none": "not signed",
}


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder or zip.")],
    provider: ProviderOption = "auto",
    public_key: Annotated[
        Path | None,
        typer.Option(
            envvar="INSPECT_PUBLIC_KEY",
            help="Refuse the bundle unless it is signed for this key, a PEM file.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check every file of a bundle, run its example images here, and compare the answers.

    Writes nothing. Needs no torch and no network. With INSPECT_PUBLIC_KEY set, every command
    refuses bundles that are not signed for that key.

    Exit codes: 0 the bundle can be used here, 2 usage, 3 a file is missing, added, changed or too
    new, or the signature is missing or wrong, 4 an answer differs by more than is allowed.

    Example: inspect verify bundle
    """
    from deploy.runtime.verify import verify_bundle

    report = verify_bundle(bundle, provider, public_key)
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps(asdict(report), indent=1))
        return
    typer.echo(
        f"{report.bundle}: verified on {report.provider} in {report.precision} with "
        f"{report.images} images; z differs by at most {report.largest_difference['logits']:.1e}, "
        f"no verdict differs; {_SIGNATURE[report.signature]}"
    )
