"""Which addresses may be connected to: public ones, and those of networks the user opened. Pure.

``ipaddress.is_global`` alone lets through, on Python 3.11, multicast, NAT64, 6to4, IPv4-compatible and site-local
addresses, all of which can lead into the local network; hence the lists below, after the IANA special-purpose
registries (RFC 6890).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443})

_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; one cloud keeps its metadata service at 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address
        "3fff::/20",  # documentation
    )
)
_ENTRY = re.compile(r"\[(?P<six>[^\]]+)\](?P<length6>/\d+)?(:(?P<port6>\d+))?|(?P<plain>[^\[\]]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AllowedNetwork:
    """A network the user opened, on all ports or on one."""

    network: Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "AllowedNetwork":
        """Read ``127.0.0.0/8``, ``10.1.2.3:8080``, ``fd00::/8`` or ``[fd00::]/8:443``.

        Raises:
            ValueError: It is none of these; the message is one line that says so.
        """
        match = _ENTRY.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no network; for example 10.0.0.0/8, 10.0.0.0/8:8080 or [fd00::]/8:443")
        if match["six"]:
            address, port = match["six"] + (match["length6"] or ""), match["port6"]
        else:
            address, port = match["plain"], None
            if address.count(":") == 1:
                address, port = address.split(":")
        try:
            network = ip_network(address)
        except ValueError as error:
            raise ValueError(f"{text!r} is no network: {error}") from None
        if port is not None and not (port.isdecimal() and 1 <= int(port) <= 65535):
            raise ValueError(f"{text!r} is no network: the port must be 1 to 65535")
        return cls(_unmapped_network(network), int(port) if port is not None else None)

    def admits(self, address: Address, port: int) -> bool:
        """Return whether a connection to ``address`` and ``port`` is opened by this entry."""
        return address in self.network and self.port in (None, port)


def is_public(address: Address) -> bool:
    """Return whether ``address`` is one of the open internet's, for unicast."""
    address = unmapped(address)
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _REFUSED_V4)
    return address.is_global and address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def may_connect(address: Address, port: int, allowed: Iterable[AllowedNetwork]) -> bool:
    """Return whether to connect: public and a web port, or opened by an entry of ``allowed``."""
    if port in WEB_PORTS and is_public(address):
        return True
    address = unmapped(address)
    return any(network.admits(address, port) for network in allowed)


def unmapped(address: Address) -> Address:
    """Return the IPv4 address inside ``::ffff:a.b.c.d``, which is where such a connection ends; others as they are."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _unmapped_network(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def parse_address(text: str) -> Address:
    """Return the address a resolver gave as text, scope (``%eth0``) included.

    Raises:
        ValueError: It is no address.
    """
    return ip_address(text)
