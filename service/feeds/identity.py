"""What makes an entry the same entry, and an article the same article. Pure.

    key            the entry, inside its feed: its guid as written, else its link, else its title and content
    article_id     the article it leads to: from its link, else from the feed's name and the key
    content_hash   what it says: title, link, summary and content, without markup; dates do not count

A feed cannot claim another feed's entries, because keys are per feed; two feeds that link the same page share its
article. A link identifies an article only if it leads to the entry's own page: see ``own_page``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import count

from service.feeds.text import words
from service.net import urls
from storage.model import Entry

LONGEST_KEY = 512
"""A longer guid is known by its hash: it would not fit a database index."""


def article_id(url: str) -> str:
    """Id of the article at ``url``: 32 hex digits, the same for every spelling with the same URL key."""
    return _digest(urls.key(url))


def article_id_without_link(feed_name: str, guid_or_key: str) -> str:
    """Id of an article that has no page of its own: it is the feed's, under its guid or entry key."""
    return _digest(f"{feed_name}\n{guid_or_key}")  # no URL key holds a line break: the two kinds never meet


def content_hash(title: str | None, url: str | None, summary: str | None, content: str | None) -> str:
    """Fingerprint of what an entry says, 32 hex digits.

    Only words count: white space, markup, tracking parameters of the link and dates change nothing, so that a new
    image size or click id in a feed is no new version of its article.
    """
    link = urls.key(url) if url else ""
    return _digest("\n".join((words(title or ""), link, words(summary or ""), words(content or ""))))


def entry_key(guid: str | None, url: str | None, title: str | None, content: str | None) -> str:
    """Key of an entry inside its feed: the guid as written, else the key of its own link, else a hash of its text."""
    key = guid or (urls.key(url) if url else _digest("\n".join((words(title or ""), words(content or "")))))
    return key if len(key) <= LONGEST_KEY else _digest(key)


def identify(entries: Sequence[Entry], *, feed: str, site: str | None) -> tuple[Entry, ...]:
    """Give the entries of one document their identities.

    Args:
        entries: As read: ``url`` the absolute link, wherever it leads; key, article id and content hash not yet set.
        feed: The feed's name.
        site: The channel's own link.

    Returns:
        The same entries in the same order, each with a key of its own. ``url`` is None where the link is not to a
        page of the entry's own.
    """
    keep = own_page(entries, site)
    hashed = [replace(e, content_hash=content_hash(e.title, e.url, e.summary, e.content)) for e in entries]
    known = [entry if kept else replace(entry, url=None) for entry, kept in zip(hashed, keep, strict=True)]
    keys = _distinct_keys(known)
    return tuple(
        replace(entry, key=key, article_id=article_id(entry.url) if entry.url else article_id_without_link(feed, key))
        for entry, key in zip(known, keys, strict=True)
    )


def own_page(entries: Sequence[Entry], site: str | None) -> list[bool]:
    """Which entries' links lead to a page of their own.

    Not those that are no http(s) URL, lead to a home page or to the channel's own link, or are shared by entries that
    are not the same article: podcasts link every episode to one page, and going by that link would merge them all.
    Entries with the same guid, or with the same title and text, may share a link.
    """
    sharing: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.url:
            sharing[urls.key(entry.url)].append(entry)
    channel = urls.key(site) if site and urls.is_http(site) else None

    def leads_home(link: str) -> bool:
        return not urls.is_http(link) or urls.is_home(link) or urls.key(link) == channel

    own = {key: not leads_home(key) and _one_article(group) for key, group in sharing.items()}
    return [entry.url is not None and own[urls.key(entry.url)] for entry in entries]


def _one_article(entries: Iterable[Entry]) -> bool:
    guids = {entry.guid for entry in entries}
    texts = {(entry.title, words(entry.content or entry.summary or "")) for entry in entries}
    return len(texts) == 1 or (len(guids) == 1 and None not in guids)


def _distinct_keys(entries: Sequence[Entry]) -> list[str]:
    """A key for each entry; where guids repeat, told apart by link, then by title, then by ordinal."""
    keys = [entry_key(e.guid, e.url, e.title, e.content or e.summary) for e in entries]
    for tell in (_by_link, _by_title):
        keys = _tell_apart(entries, keys, tell)
    counts: dict[str, int] = defaultdict(int)
    taken = set(keys)
    for position, key in enumerate(keys):
        counts[key] += 1
        if counts[key] > 1:
            keys[position] = next(name for n in count(counts[key]) if (name := f"{key} #{n}") not in taken)
            taken.add(keys[position])
    return keys


def _tell_apart(entries: Sequence[Entry], keys: Sequence[str], tell: Callable[[Entry], str]) -> list[str]:
    marks: dict[str, set[str]] = defaultdict(set)
    for entry, key in zip(entries, keys, strict=True):
        marks[key].add(tell(entry))
    return [
        f"{key} {tell(entry)}".rstrip() if len(marks[key]) > 1 else key
        for entry, key in zip(entries, keys, strict=True)
    ]


def _by_link(entry: Entry) -> str:
    return _digest(urls.key(entry.url)) if entry.url else ""


def _by_title(entry: Entry) -> str:
    return _digest(words(entry.title)) if entry.title else ""


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
