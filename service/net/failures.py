"""What went wrong on the network, as one plain line."""

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from service.errors import FetchError, Weight

_ERRNO = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.ECONNABORTED: "connection aborted",
    errno.ETIMEDOUT: "no connection: timed out",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
}
_UNKNOWN_NAME = (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors of httpcore, and those of sockets that it lets through, into ``FetchError``; all others pass.

    It lets through what TLS has to say after the handshake: that a certificate is asked of us, or a record is broken.
    """
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise explain(error) from None


def explain(error: Exception) -> FetchError:
    """Return what to raise in place of an error of httpcore or of a socket."""
    match error:  # first: what a time-out interrupted is of no interest
        case httpcore.ConnectTimeout():
            return FetchError("no connection: timed out")
        case httpcore.ReadTimeout():
            return FetchError("no data: timed out")
        case httpcore.TimeoutException():
            return FetchError("timed out")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError(f"certificate not valid: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return FetchError(f"TLS failed: {_words(cause.reason)}")
        if isinstance(cause, OSError) and cause.errno in _ERRNO:
            return FetchError(_ERRNO[cause.errno])
    match error:
        case httpcore.ConnectError():
            return FetchError("no connection")
        case httpcore.NetworkError() | OSError():
            return FetchError("connection lost")
        case httpcore.RemoteProtocolError() if "without sending a response" in str(error):
            return FetchError("connection closed without an answer")
        case httpcore.RemoteProtocolError() if "peer closed connection" in str(error):
            return FetchError("answer cut short: connection closed before its end")
        case httpcore.RemoteProtocolError():
            return FetchError(f"not an HTTP answer: {error}", weight=Weight.HARD)
        case _:
            return FetchError(f"request not sent: {error}", weight=Weight.HARD)


def name_error(error: OSError | UnicodeError) -> FetchError:
    """Return what to raise where a name did not resolve."""
    if isinstance(error, UnicodeError) or error.errno in _UNKNOWN_NAME:
        return FetchError("name not found")
    if error.errno == socket.EAI_AGAIN:
        return FetchError("name servers do not answer")
    return FetchError(f"name not resolved: {error.strerror or error}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _words(reason: str | None) -> str:
    return reason.replace("_", " ").lower() if reason else "the server does not speak it"
