"""Whether metrics and probes are served where the settings say, or could be."""

import http.client
import os
import socket
from contextlib import suppress
from pathlib import Path

from service.health.finding import Check, Result, me
from service.settings import PREFIX, Settings

NAME = "metrics"
PATIENCE = 2.0
"""Seconds for an answer."""


def check_metrics(settings: Settings, process: int | None) -> Check:
    """Ask at the address; nothing listens there even for a moment, which would turn away a service that starts.

    ``process`` is the one that holds the archive.
    """
    address = settings.metrics_bind
    if address is None:
        cure = f"{PREFIX}METRICS_BIND=9464 has veille run serve /metrics, /healthz and /readyz"
        return Check(NAME, Result.OK, "not served", cure)
    if why := _unusable(address.host):
        told = f"nothing can listen on {address}: {why}"
        return Check(NAME, Result.PROBLEM, told, f"name an address of this machine in {PREFIX}METRICS_BIND")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104  it is asked, not served
    try:
        status, said = _ask(host, address.port)
    except ConnectionRefusedError:
        if process is not None:
            told = f"nothing is served at {address}, although process {process} is at work"
            cure = "if that is veille run, reload it; a crawl serves nothing"
            return Check(NAME, Result.WARNING, told, cure)
        if os.geteuid() != 0 and address.port < _first_free_to_all():
            told = f"{me()} may not listen on port {address.port}"
            cure = f"name one from {_first_free_to_all()} on in {PREFIX}METRICS_BIND"
            return Check(NAME, Result.PROBLEM, told, cure)
        return Check(NAME, Result.OK, f"{address} is free for veille run")
    except (OSError, http.client.HTTPException) as error:
        told = f"what listens at {address} does not answer like veille ({str(error) or type(error).__name__})"
        return Check(NAME, Result.PROBLEM, told, f"stop that, or name another port in {PREFIX}METRICS_BIND")
    if process is None or status not in {200, 503}:
        told = f"another program answers at {address}" + (", a veille of another archive" if said == "ok\n" else "")
        return Check(NAME, Result.PROBLEM, told, f"stop that, or name another port in {PREFIX}METRICS_BIND")
    reasons = "; ".join(said.splitlines()[:3])
    if status == 503:
        cure = "mend that; where it hangs, systemd restarts it, or you do"
        return Check(NAME, Result.WARNING, f"served at {address}; the service is not ready: {reasons}", cure)
    return Check(NAME, Result.OK, f"served at {address}; the service is ready")


def _unusable(host: str) -> str | None:
    """Why nothing can listen on a host's addresses, whichever the port."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError):
        return "it is no address or name of this machine"
    for family, kind, _, _, place in found:
        with suppress(OSError), socket.socket(family, kind) as one:
            one.bind((place[0], 0, *place[2:]))
            return None
    return "this machine has no such address"


def _first_free_to_all() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 1024


def _ask(host: str, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode("utf-8", "replace")
    finally:
        connection.close()
