"""The processes in which feeds and pages are parsed: each can be killed, and is limited in time and memory.

    this process ── pool ──▶ workers, forked off a server that has loaded the parsers once

Hostile input makes any parser take minutes or gigabytes; here that costs a worker, and the next call works. This
process itself never loads a parser.
"""

import fcntl
import itertools
import logging
import multiprocessing
import os
import resource
import signal
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from service.articles.channel import LostError
from service.articles.page import Page
from service.articles.pool import Pool, StoppedError
from service.articles.worker import Setting
from service.errors import ExtractError, ParseError, ServiceError
from service.feeds.document import Document
from service.net.body import Content

T = TypeVar("T")

MEMORY_LIMIT = 1_500_000_000
"""Address space of one worker, in bytes."""
RECYCLE_AFTER = 2_000
"""Calls after which a worker makes way for a fresh one,"""
RECYCLE_GROWN = 200_000_000
"""or when it was ever resident with that many bytes: what a huge page took is not kept for the small ones."""

_LOADED = (
    "service.silence",
    "service.articles.extract",
    "service.articles.fragment",
    "service.feeds.parse",
    "service.articles.workers",
    "service.__main__",  # multiprocessing has each worker import the main program again: 40 ms of its start
)
_CACHES_EMPTIED_AFTER = 500
"""Pages between two times that a worker empties trafilatura's caches."""


class Workers:
    """A pool of worker processes, started at the first call. Used from one event loop.

    Every call raises what the parser raised. Where a worker gave no answer within its time, ran out of memory or died,
    the call it was at is lost, and the same kind of error says so; a page is tried once more before that, with no other
    call at its worker: what killed that may have been something else. No call is lost for another's fault. Calls beyond
    the room for them wait. Where no process can be started at all, WorkersError is raised.
    """

    def __init__(
        self,
        count: int,
        *,
        memory_limit: int = MEMORY_LIMIT,
        recycle_after: int = RECYCLE_AFTER,
        recycle_grown: int = RECYCLE_GROWN,
        parse_seconds: float = 10.0,
        extract_seconds: float = 20.0,
    ) -> None:
        self._parse_seconds = parse_seconds
        self._extract_seconds = extract_seconds
        self._pool = Pool(
            count, Setting(partial(_prepare, memory_limit), _answer, _LOADED, recycle_after, recycle_grown)
        )

    async def parse(
        self,
        body: bytes | Content,
        *,
        feed: str,
        url: str,
        content_type: str | None,
        now: datetime,
        language: str | None = None,
    ) -> Document:
        """``service.feeds.parse.parse_document``, in a worker. Raises ParseError."""
        task = _Task(_parse, (body, feed, url, content_type, now, language))
        return await self._run(task, self._parse_seconds, ParseError)

    async def extract(
        self,
        body: bytes | Content,
        *,
        url: str,
        content_type: str | None = None,
        charset: str | None = None,
        headers: Mapping[str, str] | None = None,
        now: datetime,
    ) -> Page:
        """``service.articles.extract.extract_page``, in a worker. Raises ExtractError."""
        task = _Task(_extract, (body, url, content_type, charset, dict(headers or {}), now))
        return await self._run(task, self._extract_seconds, ExtractError, again=True)

    async def fragment(self, fragment: str, *, url: str) -> tuple[str, ...]:
        """``service.articles.fragment.extract_fragment``, in a worker. Raises ExtractError."""
        return await self._run(_Task(_fragment, (fragment, url)), self._extract_seconds, ExtractError, again=True)

    @property
    def calls(self) -> int:
        """Calls handed to the workers, and not answered yet."""
        return self._pool.handed

    async def stop(self) -> None:
        """End the workers, whatever they are at: their calls fail. A later call starts them afresh."""
        await self._pool.stop()

    async def _run(
        self,
        task: "_Task[T]",
        seconds: float,
        failure: Callable[[str], ServiceError],
        *,
        again: bool = False,
        alone: bool = False,
    ) -> T:
        try:
            answer: T | ServiceError | _Bug = await self._pool.call(task, seconds, alone=alone)
        except LostError as error:
            if again and not isinstance(error, StoppedError):
                return await self._run(task, seconds, failure, alone=True)
            raise failure(str(error)) from None
        if isinstance(answer, ServiceError):
            raise answer
        if isinstance(answer, _Bug):
            raise failure(f"its reader has a bug: {answer.what}")
        return answer


# -- in the worker -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bug:
    """What a document brought about that no parser foresaw."""

    what: str


@dataclass(frozen=True, slots=True)
class _Task(Generic[T]):
    """A function of this module and its arguments: what goes over the pipe."""

    function: Callable[..., T]
    arguments: tuple[object, ...]


def _prepare(memory_limit: int) -> None:
    """Set a fresh worker's limits; it ends with the process that asked for it, and is silent."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_limit if most == resource.RLIM_INFINITY else min(memory_limit, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is the main process's affair alone
    _end_with(multiprocessing.parent_process())
    # What parsers have to say of broken input comes back as a result.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def _end_with(parent: BaseProcess | None) -> None:
    """Let the kernel end this process when ``parent`` is gone, be it killed, and whatever is under way here."""
    assert parent is not None
    # The sentinel is a pipe's end; the signal its closing raises (fcntl(2), O_ASYNC) is fatal where nobody handles it.
    pipe: int = parent.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _answer(task: _Task[T]) -> T | ServiceError | _Bug:
    """The task's result, or its expected error as a value: raised, it would come back with this side's traceback."""
    try:
        return task.function(*task.arguments)
    except ServiceError as error:
        # A cause is not pickled: what it says goes into the message.
        error.args, error.__cause__ = (str(error),), None
        return error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  what no parser foresaw is that document's failure, not the service's end
        return _Bug(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".removesuffix(": "))


def _parse(
    body: bytes | Content, feed: str, url: str, content_type: str | None, now: datetime, language: str | None
) -> Document:
    from service.feeds.parse import parse_document

    return parse_document(_decoded(body), feed=feed, url=url, content_type=content_type, now=now, language=language)


def _extract(
    body: bytes | Content,
    url: str,
    content_type: str | None,
    charset: str | None,
    headers: Mapping[str, str],
    now: datetime,
) -> Page:
    from service.articles.extract import extract_page, reset_caches
    from storage.forms import forms_of

    if next(_pages) % _CACHES_EMPTIED_AFTER == 0:
        reset_caches()
    page = extract_page(_decoded(body), url=url, content_type=content_type, charset=charset, headers=headers, now=now)
    return replace(page, forms=forms_of(page.paragraphs))


def _decoded(body: bytes | Content) -> bytes:
    return body.decoded() if isinstance(body, Content) else body


_pages = itertools.count(1)


def _fragment(fragment: str, url: str) -> tuple[str, ...]:
    from service.articles.fragment import extract_fragment

    return extract_fragment(fragment, url=url)
