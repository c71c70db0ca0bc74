"""What another scope of the duplicate filter would change, counted by feed. Pure.

Shares are of the characters of full texts, so that two scopes can be compared.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.rescoping import Rescoped
from storage.model import Removal

REASONS = ("repeat", "boilerplate", "known")
_EXAMPLES = 3
"""Of each reason, different texts."""


@dataclass(slots=True)
class Amount:
    """Paragraphs, and the characters in them."""

    paragraphs: int = 0
    characters: int = 0

    def add(self, paragraphs: int, characters: int) -> None:
        """Count more."""
        self.paragraphs += paragraphs
        self.characters += characters


def _by_reason() -> dict[str, Amount]:
    return {reason: Amount() for reason in REASONS}


@dataclass(slots=True)
class Tally:
    """Of one feed, or of all: its full texts, and what is and would be removed of them, by reason."""

    records: int = 0
    whole: Amount = field(default_factory=Amount)
    now: dict[str, Amount] = field(default_factory=_by_reason)
    then: dict[str, Amount] = field(default_factory=_by_reason)

    def add(self, rescoped: Rescoped) -> None:
        """Count a record."""
        paragraphs = rescoped.paragraphs
        self.records += 1
        self.whole.add(len(paragraphs), sum(map(len, paragraphs)))
        for amounts, removed in ((self.now, rescoped.before.removed), (self.then, rescoped.after.removed)):
            for removal in removed:
                amounts[removal.reason].add(1, len(paragraphs[removal.position]))

    def share(self, amounts: dict[str, Amount]) -> float:
        """Which part of all characters these are, from 0 to 1."""
        return sum(one.characters for one in amounts.values()) / max(self.whole.characters, 1)


@dataclass(frozen=True, slots=True)
class Example:
    """A paragraph that would be removed, and from where."""

    feed: str
    id: str
    revision: int
    removal: Removal
    text: str


class Comparison:
    """Counts records one by one; holds a tally for each feed and a few examples, however many there are."""

    def __init__(self) -> None:
        self.feeds: defaultdict[str, Tally] = defaultdict(Tally)
        self.total = Tally()
        self._examples: dict[str, dict[str, Example]] = {reason: {} for reason in REASONS}

    def add(self, rescoped: Rescoped) -> None:
        """Count a record."""
        article = rescoped.after
        self.total.add(rescoped)
        self.feeds[article.feed].add(rescoped)
        for removal in article.removed:
            examples, text = self._examples[removal.reason], rescoped.paragraphs[removal.position]
            if len(examples) < _EXAMPLES:
                examples.setdefault(text, Example(article.feed, article.id, article.revision, removal, text))

    def examples(self) -> Sequence[Example]:
        """The first different texts that would be removed, a few of each reason."""
        return [example for reason in REASONS for example in self._examples[reason].values()]
