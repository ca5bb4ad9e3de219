"""`inspect send`: tell the plant of verdicts and decisions, over MQTT or to a webhook."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inspect_app.cli.options import StoreOption
from span_train.contract.errors import InputError

if TYPE_CHECKING:
    from inspect_app.send.destination import Destination
    from inspect_app.send.place import Place


def send(
    destination: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS", help="mqtts://[USER@]HOST[:PORT]/TOPIC or https://HOST/PATH."
        ),
    ],
    store: StoreOption,
    name: Annotated[
        str | None,
        typer.Option(help="Keeps its place over a change of address; otherwise the address."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option(help="A new destination is told all that the store holds already.")
    ] = False,
    with_names: Annotated[
        bool, typer.Option(help="Also say which operator decided; otherwise the role alone.")
    ] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(help="File with the broker's password; else INSPECT_MQTT_PASSWORD."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="File with the webhook's secret; else INSPECT_WEBHOOK_SECRET."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Whom to believe with TLS, in place of the system's list.")
    ] = None,
    client_cert: Annotated[
        Path | None, typer.Option(help="Our own certificate for TLS, in PEM.")
    ] = None,
    client_key: Annotated[
        Path | None, typer.Option(help="Its key, where that has a file of its own.")
    ] = None,
    mqtt_version: Annotated[
        Literal["5", "3.1.1"], typer.Option(help="3.1.1 for brokers that know no 5.")
    ] = "5",
    once: Annotated[
        bool, typer.Option(help="Send what waits, then end; code 3 where that is not possible.")
    ] = False,
) -> None:
    """Send each verdict, each decision and the chain's end, in order, to a broker or a webhook.

    What is stored waits in the store's outbox until the destination has taken it: a broker that is
    down, a full network or a kill at any moment loses nothing. What was sent and not yet noted is
    sent again with the same MessageId, by which receivers drop doubles. One process at a time sends
    to a destination, another one stands by. A broker gets TOPIC/result, TOPIC/decision and
    TOPIC/anchor, with quality of service 1; a webhook a signed POST each (Standard Webhooks).

    A new destination is told what comes from now on. Each destination needs a process of its own.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, or all sent with --once; 2 usage; 3 a wrong address,
    secret, certificate or store, or with --once a destination that takes nothing.

    Example: inspect send mqtts://line3@broker.plant:8883/plant/line3 --store sqlite:///line.db
    """
    from datetime import UTC, datetime

    from inspect_app.send.place import read_place
    from inspect_app.send.sender import Sender
    from inspect_app.store.address import store_address
    from inspect_app.store.chain_key import ChainKeyFile
    from inspect_app.store.database import open_database
    from inspect_app.store.destinations import add_destination
    from inspect_app.store.facts import read_facts
    from inspect_app.watch.stop_request import stopped_by_signals

    place = read_place(destination)
    called = name or str(place)
    files = _Files(password_file, secret_file, ca_file, client_cert, client_key)
    with (
        stopped_by_signals() as stop,
        open_database(store_address(store), ChainKeyFile()) as database,
    ):
        store_id = read_facts(database).store_id
        takes = _destination(place, files, f"{store_id} {called}", mqtt_version)
        add_destination(database, called, str(place), datetime.now(UTC), from_start)
        sender = Sender(database, called, takes, _say, stop, with_names)
        typer.echo(f"Sending {database.address} to {place}  (Ctrl-C stops it)")
        trouble = sender.run(until_empty=once)
    if once and trouble is not None:
        raise InputError(trouble)
    typer.echo(f"Stopped: {sender.told} messages sent.")


@dataclass(frozen=True)
class _Files:
    """The files that were named: secrets and certificates."""

    password: Path | None
    secret: Path | None
    ca: Path | None
    certificate: Path | None
    key: Path | None


def _destination(place: Place, files: _Files, own_name: str, mqtt_version: str) -> Destination:
    from inspect_app.send.encryption import tls_context
    from inspect_app.send.secret import PASSWORD_VARIABLE, SECRET_VARIABLE, read_secret, signing_key

    tls = tls_context(files.ca, files.certificate, files.key) if place.is_encrypted else None
    if not place.is_mqtt:
        from inspect_app.send.webhook import Webhook

        return Webhook(place, signing_key(read_secret(files.secret, SECRET_VARIABLE)), tls)
    import hashlib

    from paho.mqtt.enums import MQTTProtocolVersion

    from inspect_app.send.mqtt import MqttBroker

    password = read_secret(files.password, PASSWORD_VARIABLE)
    if password is not None and tls is None:
        _say(f"{place} is not encrypted: the password can be read on the way; use mqtts://.")
    version = MQTTProtocolVersion.MQTTv5 if mqtt_version == "5" else MQTTProtocolVersion.MQTTv311
    digest = hashlib.sha256(own_name.encode()).hexdigest()
    return MqttBroker(place, f"inspect{digest[:15]}", password, tls, version)


def _say(text: str) -> None:
    """One line on stderr, which systemd keeps in its journal."""
    sys.stderr.write(f"inspect send: {text}\n")
    sys.stderr.flush()
