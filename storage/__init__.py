"""Remembers: the archive of articles, the state of every feed, the outcome of every entry."""
