"""Veille keeps watch over news feeds and keeps every article, once, for good.

The whole of it, as one pipe:

    due feeds | fetch feed | parse | decide                   → COMMIT 1: validators, due time, entries pending
    pending   | fetch page | extract | filter repeats         → raw copies of the pages kept
                                     | append lines, fsync    → COMMIT 2: entries settled, file offset

Nothing between the two commits can be lost: a pending entry stays pending until it has exactly one outcome.
"""

__version__ = "0.1.0"
