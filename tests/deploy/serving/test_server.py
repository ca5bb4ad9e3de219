import socket

import pytest

from deploy.serving.server import _address, _listening
from span_train.contract.errors import InputError


def test_accepted_connections_send_small_answers_at_once() -> None:
    with _listening("127.0.0.1", 0) as listener:
        sender = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with sender, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@pytest.mark.parametrize(
    ("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://127.0.0.1:")]
)
def test_the_address_is_told_as_a_browser_takes_it(host: str, start: str) -> None:
    with _listening(host, 0) as listener:
        port = listener.getsockname()[1]
        assert _address(listener) == f"{start}{port}"


def test_an_ipv6_address_is_told_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with _listening("::1", 0) as listener:
        assert _address(listener).startswith("http://[::1]:")


def test_an_address_that_cannot_be_used_is_named() -> None:
    told = "no.such.host.invalid port 8000 cannot be used"
    with pytest.raises(InputError, match=told), _listening("no.such.host.invalid", 8000):
        raise AssertionError("nothing can listen there")
