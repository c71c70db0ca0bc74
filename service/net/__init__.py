"""Talks to the network: politely, within bounds, and never to an address it must not."""
