"""Addresses of destinations: taken apart, and refused where they would not do or tell a secret."""

import pytest

from inspect_app.send.place import Place, read_place
from span_train.contract.errors import SettingsError


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("mqtt://broker/line", Place("mqtt", "broker", 1883, None, "line")),
        ("mqtts://us@b.plant/a/b/", Place("mqtts", "b.plant", 8883, "us", "a/b")),
        ("mqtts://[::1]:9/a", Place("mqtts", "::1", 9, None, "a")),
        ("http://mes", Place("http", "mes", 80, None, "/")),
        ("https://mes:8443/in?line=3", Place("https", "mes", 8443, None, "/in?line=3")),
    ],
)
def test_an_address_is_taken_apart_and_can_be_told(address: str, place: Place) -> None:
    found = read_place(address)
    assert found == place
    assert read_place(str(found)) == place


@pytest.mark.parametrize(
    "address",
    [
        "",
        "broker/line",
        "mqtt:///line",
        "ftp://broker/line",
        "file:///etc/passwd",
        "mqtt://broker",
        "mqtt://broker/",
        "mqtt://broker/line/#",
        "mqtt://broker/+/line",
        "mqtt://broker/$SYS/line",
        "mqtt://broker/line?x=1",
        "mqtt://broker:port/line",
        "mqtt://broker:99999/line",
        "http://us@mes/in",
        "http://mes/in#part",
        "http://mes/säge",
        "http://mes/in\r\nX-Header: 1",
    ],
)
def test_what_is_no_destination_is_refused(address: str) -> None:
    with pytest.raises(SettingsError):
        read_place(address)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="--password-file") as refused:
        read_place("mqtts://us:geheim@broker/line")
    assert "geheim" not in str(refused.value)
