"""The server of metrics and probes: it answers whoever asks, whatever others do to it and however the service is."""

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import pytest
from exposed import NOW, everything

from service import monitoring
from service.errors import SettingsError
from service.metrics import Metrics
from service.monitoring import serving
from service.units import Address

ANYWHERE = Address("127.0.0.1", 0)


class Service:
    """What the probes say, as a test sets it."""

    def __init__(self) -> None:
        self.unhealthy: Sequence[str] = ()
        self.unready: Sequence[str] = ()

    def healthy(self) -> Sequence[str]:
        return self.unhealthy

    def ready(self) -> Sequence[str]:
        return self.unready


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[Address]:
    with serving(ANYWHERE, everything(), service.healthy, service.ready) as bound:
        yield bound


@pytest.fixture(autouse=True)
def well(service: Service) -> None:
    service.unhealthy = service.unready = ()


class Answer:
    """What came back."""

    def __init__(self, came: http.client.HTTPResponse) -> None:
        self.status = came.status
        self.headers = {name.lower(): value for name, value in came.getheaders()}
        self.body = came.read()


def ask(address: Address, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=8)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def say(address: Address, request: bytes) -> bytes:
    """All that comes back for these bytes."""
    with socket.create_connection((address.host, address.port), timeout=8) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


@contextmanager
def silent(address: Address, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """Clients that connect, send the beginning of a request, and no more."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((address.host, address.port), timeout=8)) for _ in range(count)
        ]
        for client in clients:
            client.sendall(sent)
        yield clients


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_the_metrics_come_as_a_scraper_asks_for_them(address: Address) -> None:
    answer = ask(address, "/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b'veille_feed_failing{feed="b"} 1.0\n' in answer.body
    answer = ask(address, "/metrics?name[]=veille_ready", Accept="application/openmetrics-text", Accept_Encoding="gzip")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert gzip.decompress(answer.body).endswith(b"veille_ready 1.0\n# EOF\n")


def test_the_probes_say_ok_or_every_reason_on_a_line(address: Address, service: Service) -> None:
    assert (ask(address, "/healthz").status, ask(address, "/healthz").body) == (200, b"ok\n")
    assert (ask(address, "/readyz").status, ask(address, "/readyz").body) == (200, b"ok\n")
    service.unhealthy = ["the event loop has not moved for 42 s"]
    service.unready = ["the disk has 3MB left", "forged\nok\x1b[2J"]
    answer = ask(address, "/healthz")
    assert (answer.status, answer.body) == (503, b"the event loop has not moved for 42 s\n")
    answer = ask(address, "/readyz")
    assert (answer.status, answer.body) == (503, b"the disk has 3MB left\nforged\\nok\\x1b[2J\n")


def test_the_metrics_say_what_the_probes_do(address: Address, service: Service) -> None:
    assert b"\nveille_healthy 1.0\n" in ask(address, "/metrics").body
    service.unhealthy, service.unready = ["it hangs"], ["it is full"]
    body = ask(address, "/metrics").body
    assert b"\nveille_healthy 0.0\n" in body
    assert b"\nveille_ready 0.0\n" in body


@pytest.mark.parametrize("path", ["/healthz", "/metrics?name[]=veille_ready", "/nothing"])
def test_head_has_the_fields_of_get_and_no_body(address: Address, path: str) -> None:
    came = say(address, f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head, _, body = came.partition(b"\r\n\r\n")
    assert body == b""
    assert f"content-length: {len(ask(address, path).body)}".encode() in head.lower()


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "/metrics/../healthz", "/etc/passwd", "//metrics", "/favicon.ico", "*"]
)
def test_anything_else_is_not_there(address: Address, path: str) -> None:
    answer = ask(address, path)
    assert answer.status == 404
    assert answer.body == b"there is nothing here; there are /metrics, /healthz, /readyz\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_but_get_and_head_is_allowed(address: Address, method: str) -> None:
    answer = ask(address, "/metrics", method, b"x" * 8_000_000 if method == "POST" else None)
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "GET, HEAD", b"only GET and HEAD\n")


def test_no_answer_says_what_it_is_served_by(address: Address) -> None:
    for path in ("/metrics", "/healthz", "/nothing"):
        assert set(ask(address, path).headers) == {
            "content-type",
            "content-length",
            "date",
            "cache-control",
            "x-content-type-options",
            "connection",
        }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /" + b"a" * 50_000, 431),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_what_is_no_request_is_refused_in_a_line(address: Address, request_: bytes, status: int) -> None:
    came = say(address, request_)
    assert came.startswith(f"HTTP/1.1 {status} ".encode())
    assert came.partition(b"\r\n\r\n")[2].count(b"\n") == 1


def test_who_says_nothing_gets_nothing(address: Address) -> None:
    assert say(address, b"") == b""


# -- clients that do harm ----------------------------------------------------------------------------------------------


def test_clients_that_hang_keep_nobody_waiting_and_are_cut_oldest_first(address: Address) -> None:
    with silent(address, monitoring.MOST + 20, b"GET /metrics HT") as clients:
        began = time.monotonic()
        assert ask(address, "/healthz").body == b"ok\n"
        assert b"veille_ready" in ask(address, "/metrics").body
        assert time.monotonic() - began < 2
        for client in clients[:20]:
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
        clients[-1].settimeout(0.05)
        with pytest.raises(TimeoutError):
            clients[-1].recv(1)


def test_a_client_has_so_long_and_no_longer_however_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "PATIENCE", 0.3)
    with (
        serving(ANYWHERE, Metrics("1", NOW), list, list) as bound,
        silent(bound, 1, b"GET /metrics HTTP/1.1\r\n") as (client,),
    ):
        began = time.monotonic()

        def go_on() -> None:
            while time.monotonic() - began < 5:
                client.sendall(b"a: b\r\n")
                time.sleep(0.02)

        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            go_on()
        assert 0.2 < time.monotonic() - began < 2


def test_a_client_that_does_not_read_keeps_nobody_waiting(address: Address) -> None:
    with silent(address, 5, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 3):
        assert ask(address, "/healthz").status == 200


def test_it_takes_a_handful_of_threads_and_leaves_none(service: Service) -> None:
    before = threading.active_count()
    with serving(ANYWHERE, Metrics("1", NOW), service.healthy, service.ready) as bound, silent(bound, 20):
        assert ask(bound, "/readyz").status == 200
        assert threading.active_count() - before <= 3
    while threading.active_count() > before:  # a probe's thread may be at its last step
        time.sleep(0.01)
    with pytest.raises(ConnectionRefusedError):
        ask(bound, "/healthz")


def test_it_ends_at_once_whoever_is_connected() -> None:
    began = time.monotonic()
    with serving(ANYWHERE, Metrics("1", NOW), list, list) as bound, silent(bound, 3, b"GET"):
        ask(bound, "/healthz")
    assert time.monotonic() - began < 2


# -- a service that is not well ----------------------------------------------------------------------------------------


def test_a_probe_that_hangs_is_a_reason_and_holds_up_neither_the_other_nor_the_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitoring, "WAIT", 0.1)
    goes_on = threading.Event()
    asked = []

    def hangs() -> Sequence[str]:
        asked.append(1)
        goes_on.wait(8)
        return ()

    with serving(ANYWHERE, Metrics("1", NOW), list, hangs) as bound:
        for _ in range(3):
            answer = ask(bound, "/readyz")
            assert answer.status == 503
            assert answer.body == b"the service does not say whether it is ready: no answer within 0.1 s\n"
        assert ask(bound, "/healthz").status == 200
        body = ask(bound, "/metrics").body
        assert b"\nveille_ready 0.0\n" in body
        assert b"\nveille_healthy 1.0\n" in body
        assert asked == [1]  # a thread more for each question would fill the machine
        goes_on.set()
        while ask(bound, "/readyz").status != 200:
            time.sleep(0.01)


def test_a_probe_that_fails_is_a_reason_too() -> None:
    def fails() -> Sequence[str]:
        raise OSError(5, "Input/output error")

    with serving(ANYWHERE, Metrics("1", NOW), list, fails) as bound:
        answer = ask(bound, "/readyz")
    assert answer.status == 503
    assert answer.body.startswith(b"the service cannot say whether it is ready: OSError")


def test_it_is_quiet(address: Address, capfd: pytest.CaptureFixture[str]) -> None:
    for path in ("/metrics", "/nothing"):
        ask(address, path)
    say(address, b"nonsense\r\n\r\n")
    with silent(address, 3, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
        pass
    assert ask(address, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")


# -- where it listens --------------------------------------------------------------------------------------------------


def test_it_listens_on_ipv6_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(Address("::1", 0), Metrics("1", NOW), list, list) as bound:
        assert bound.host == "::1"
        assert str(bound) == f"[::1]:{bound.port}"
        assert ask(bound, "/healthz").body == b"ok\n"


def test_an_address_that_is_taken_is_refused_in_a_line(address: Address) -> None:
    with pytest.raises(SettingsError) as refused, serving(address, Metrics("1", NOW), list, list):
        pass
    assert str(refused.value) == (
        f"VEILLE_METRICS_BIND: cannot listen on 127.0.0.1:{address.port}: another program listens there already; "
        "stop that, or name another port"
    )


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "this machine has no such address"),
        ("no host", '"no host" is no address or name of this machine'),
        ("a" * 70 + ".test", f'"{"a" * 70}.test" is no address or name of this machine'),
        ("a\0b", r'"a\x00b" is no address or name of this machine'),
    ],
)
def test_an_address_this_machine_does_not_have_is_refused_in_a_line(host: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused, serving(Address(host, 0), Metrics("1", NOW), list, list):
        pass
    assert str(refused.value).startswith("VEILLE_METRICS_BIND: cannot listen on ")
    assert str(refused.value).endswith(f": {why}")
    assert str(refused.value).isprintable()
