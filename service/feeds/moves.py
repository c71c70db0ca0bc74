"""Feeds that move: when the target of a redirect takes the place of the catalogue's address. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from service.net import urls
from storage.model import FeedState

ADOPT_AFTER = timedelta(days=7)


def poll_url(state: FeedState) -> str:
    """The address to ask: the catalogue's, or the one its permanent redirect led to once that is adopted.

    A target is adopted when it has held for 7 days; at once where it is the same host by https instead of http. It
    holds as long as good answers come by way of it: days on which none came, or none was asked for, prove nothing.
    """
    if state.moved_to is None or state.moved_since is None:
        return state.url
    held = state.last_success is not None and state.last_success - state.moved_since >= ADOPT_AFTER
    upgrade = (
        state.url.lower().startswith("http:")
        and state.moved_to.lower().startswith("https:")
        and urls.host(state.url) == urls.host(state.moved_to)
    )
    return state.moved_to if upgrade or held else state.url


def after_redirect(state: FeedState, now: datetime, asked_url: str, target: str | None) -> FeedState:
    """The state with the address a wholly permanent redirect leads to; for answers that parsed as a feed only.

    Args:
        state: What was remembered before.
        now: The time of the poll.
        asked_url: Where the request went first (``poll_url``).
        target: Where it ended, if there was a redirect and every hop was 301 or 308; else None.
    """
    if target is not None and target != state.url:
        held = target == state.moved_to
        return replace(state, moved_to=target, moved_since=state.moved_since if held else now)
    if target is None and asked_url == state.moved_to:
        return state  # the adopted address answers by itself
    return replace(state, moved_to=None, moved_since=None)
