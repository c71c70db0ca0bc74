"""Understands pages: bytes in, values out. Pure, but for the process pool that runs it (``workers``)."""
