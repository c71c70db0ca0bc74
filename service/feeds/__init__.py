"""Understands feeds: bytes in, values out. Pure: no clock, no files, no sockets; time is an argument."""
