"""What a language brings to a story: names, sentence patterns with slots, and the words around an article."""

from dataclasses import dataclass


def listed(text: str) -> tuple[str, ...]:
    """A list of words as a sentence lists them: separated by commas."""
    return tuple(word.strip() for word in text.split(","))


@dataclass(frozen=True, slots=True)
class Labels:
    """The words a site prints around its articles."""

    home: str
    read_also: str
    share: str
    published: str
    updated: str
    by: str
    most_read: str
    related: str
    comments: str
    reply: str
    newsletter: str
    subscribe: str
    cookies: str
    accept: str
    refuse: str
    search: str
    about: str
    contact: str
    legal: str
    follow: str
    photo: str
    advertisement: str
    rights: str


@dataclass(frozen=True, slots=True)
class Stock:
    """A language's stock of words.

    Patterns are ``str.format`` strings. A story's cast stays the same through the story: ``town``, ``neighbour``,
    ``person``, ``witness``, ``body`` and ``office`` (two institutions), ``project``; with a capital first letter in
    the slot's name the value gets one too (``{Body}``). Figures are new in each sentence: ``n`` (12–980), ``m``
    (greater than ``n``), ``few`` (3–11), ``percent`` (2.1–48.9), ``year``, ``day``, ``month``.
    """

    language: str
    """BCP 47."""
    places: tuple[str, ...]
    given: tuple[str, ...]
    surnames: tuple[str, ...]
    institutions: tuple[str, ...]
    projects: tuple[str, ...]
    months: tuple[str, ...]
    sections: tuple[tuple[str, str], ...]
    """Slug in URLs, label."""
    headlines: tuple[str, ...]
    standfirsts: tuple[str, ...]
    openings: tuple[str, ...]
    facts: tuple[str, ...]
    quotes: tuple[str, ...]
    closings: tuple[str, ...]
    captions: tuple[str, ...]
    edited: str
    """Pattern of a changed story's headline, around ``headline``."""
    labels: Labels
    remarks: tuple[str, ...] = ()
    """What readers write below an article."""
    name: str = "{given} {surname}"
    direction: str = "ltr"
    space: str = " "
    """What stands between two sentences."""
    digits: str = "0123456789"
    decimal: str = "."
