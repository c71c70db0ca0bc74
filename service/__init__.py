"""Veille keeps watch over news feeds and keeps every article, once, for good."""

__version__ = "0.1.0"
