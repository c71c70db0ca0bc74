"""What trafilatura's costliest XPath expressions select, found without XPath. Pure.

Their ``re:test()`` calls Python for each attribute of each element, through several layers. The functions here take
an element and give the same elements in the same order, most of them with one look at each attribute; the words that
are looked for are read out of the expressions themselves.
"""

import re
from collections.abc import Callable, Iterator

from lxml.etree import XPath
from lxml.html import HtmlElement

Select = Callable[[HtmlElement], list[HtmlElement]]


def by_xpath(expression: XPath) -> Select:
    """An expression as it is."""

    def select(tree: HtmlElement) -> list[HtmlElement]:
        found = expression(tree)
        assert isinstance(found, list)
        return found

    return select


_TESTS = re.compile(r"re:test\(\s*@([\w|@]+),\s*'([^']*)'(?:,\s*'(i)')?\)")
_REMEMBERED = 1_000
"""Values of one attribute."""
_LONGEST = 200
"""Characters of an attribute that are worth remembering what was found in them."""


class Found(dict[str, bool]):
    """By value, whether any of some patterns is found in it: looked for once, while it is remembered."""

    def __init__(self, *patterns: re.Pattern[str]) -> None:
        super().__init__()
        self._searches = [pattern.search for pattern in patterns]
        _all_found.append(self)

    def __missing__(self, value: str) -> bool:
        found = self.look(value)
        if len(value) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = found
        return found

    def look(self, value: str) -> bool:
        """Look for the patterns in a value."""
        for search in self._searches:  # noqa: SIM110  any() would make a generator for each value
            if search(value):
                return True
        return False


_all_found: list[Found] = []

_BLOCKS = ("div", "item", "list", "p", "section", "span")


def forget() -> None:
    """Empty what is remembered of attributes seen before."""
    for found in _all_found:
        found.clear()


def overall_discard(expressions: list[XPath]) -> list[Select]:
    """For OVERALL_DISCARD_XPATH."""
    first, second = expressions
    cookie, by_id, by_class = (tests_of(first)[name] for name in ("id|@class", "id", "class"))
    hidden, id_2, class_2 = (tests_of(second)[name] for name in ("id|@style", "id", "class"))

    def boilerplate(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.iterdescendants(*_BLOCKS):
            any_first = True
            for name, value in element.items():
                if name == "class":
                    if by_class[value] or (any_first and cookie[value]):
                        break
                    any_first = False
                elif name == "id":
                    if by_id[value] or (any_first and cookie[value]):
                        break
                    any_first = False
                elif name == "role":
                    if "nav" in value.replace("N", "n"):
                        break
                elif (name == "data-component" and "MostPopularStories" in value) or (
                    name == "data-lp-replacement-content"
                ):
                    break
            else:
                continue
            found.append(element)
        return found

    def unseen(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.iterdescendants("*"):
            reply_first = style_first = True
            for name, value in element.items():
                if name == "class":
                    if class_2[value] or (reply_first and value.startswith("reply-")):
                        break
                    reply_first = False
                elif name == "id":
                    if id_2[value] or (style_first and hidden[value]) or (reply_first and value.startswith("reply-")):
                        break
                    reply_first = style_first = False
                elif name == "style":
                    if "display:none" in value or "display: none" in value or (style_first and hidden[value]):
                        break
                    style_first = False
                elif name == "aria-hidden" and value == "true":
                    break
            else:
                continue
            found.append(element)
        return found

    return [boilerplate, unseen]


def raw_prune(expressions: list[XPath]) -> list[Select]:
    """For RAW_TREE_PRUNE_XPATH."""
    first, _ = expressions
    in_full = by_xpath(first)
    by_id, by_class = tests_of(first)["id"], tests_of(first)["class"]

    def appended(tree: HtmlElement) -> list[HtmlElement]:
        if any(by_id[e.get("id", "")] or by_class[e.get("class", "")] for e in _sections(tree)):
            return in_full(tree)
        return []

    def shares(tree: HtmlElement) -> list[HtmlElement]:
        return [e for e in _sections(tree) if "elementor-share-buttons" in e.get("class", "")]

    return [appended, shares]


def _sections(tree: HtmlElement) -> Iterator[HtmlElement]:
    yield from tree.iterdescendants("div", "section", "aside")


def comments_and_lists(expressions: list[XPath]) -> list[Select]:
    """For REMOVE_COMMENTS_AND_LISTS_XPATH."""
    (only,) = expressions
    patterns = [(name, re.compile(pattern)) for name, pattern, _ in _TESTS.findall(only.path)]
    (by_id, by_class, list_id, list_class) = (Found(pattern) for _, pattern in patterns)

    def comments(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.iterdescendants("div", "list", "section", "details", "ol", "ul"):
            id_, class_ = element.get("id"), element.get("class")
            if (id_ and by_id[id_]) or (class_ and by_class[class_]):
                if element.tag in ("ol", "ul") and not list_id[id_ or ""] and not list_class[class_ or ""]:
                    continue
                found.append(element)
        return found

    return [comments]


def body(expressions: list[XPath]) -> list[Select]:
    """For BODY_XPATH; each gives the first element alone, the only one that is asked for."""
    content, _, story, area, _ = expressions
    content_id, content_class = tests_of(content)["id"], tests_of(content)["class"]
    story_id, story_class = tests_of(story)["id"], tests_of(story)["class"]
    area_id, area_class = tests_of(area)["id"], tests_of(area)["class"]

    def is_content(element: HtmlElement) -> bool:
        id_, class_ = element.get("id"), element.get("class")
        return (
            (class_ is not None and (class_ in ("post", "entry") or content_class[class_]))
            or (id_ is not None and (id_ == "articleContent" or content_id[id_]))
            or element.get("itemprop") == "articleBody"
        )

    def is_story(element: HtmlElement) -> bool:
        id_, class_ = element.get("id"), element.get("class")
        return (
            (class_ is not None and (class_ in _STORY_CLASSES or story_class[class_]))
            or (id_ is not None and (id_ in ("article", "story") or story_id[id_]))
            or element.get("role") == "article"
        )

    def is_area(element: HtmlElement) -> bool:
        id_, class_ = element.get("id"), element.get("class")
        return (
            class_ is not None
            and (
                class_ == "content"
                or area_class[class_]
                or "main-content" in class_.replace("C", "c").replace("M", "m")
                or "page-content" in class_.replace("C", "c").replace("P", "p")
            )
        ) or (
            id_ is not None
            and (id_ == "content" or area_id[id_] or "main-content" in id_.replace("C", "c").replace("M", "m"))
        )

    return [_first(is_content), by_xpath(expressions[1]), _first(is_story), _first(is_area), by_xpath(expressions[4])]


_STORY_CLASSES = frozenset({"postarea", "art-postcontent", "text", "cell", "story"})


def _first(holds: Callable[[HtmlElement], bool]) -> Select:
    def select(tree: HtmlElement) -> list[HtmlElement]:
        for element in tree.iterdescendants("article", "div", "main", "section"):
            if holds(element):
                return [element]
        return []

    return select


def basic_clean(expression: XPath) -> Select:
    """For BASIC_CLEAN_XPATH."""
    by_class = tests_of(expression)["class"]  # for the id, the same is looked for

    def select(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.iterdescendants("*"):
            if element.tag in _ALWAYS_CLEANED:
                found.append(element)
                continue
            any_first = True
            for name, value in element.items():
                if name in ("class", "id"):
                    if by_class[value] or (any_first and "footer" in value and element.tag == "div"):
                        found.append(element)
                        break
                    any_first = False
        return found

    return select


_ALWAYS_CLEANED = frozenset({"aside", "fencedframe", "footer", "script", "style", "svg", "template"})


def tests_of(expression: XPath) -> dict[str, Found]:
    """By attribute, whether any pattern that the expression looks for in it is found in a value."""
    return {name: Found(*patterns) for name, patterns in patterns_of(expression).items()}


def patterns_of(expression: XPath) -> dict[str, list[re.Pattern[str]]]:
    """By attribute, the patterns that the expression looks for in it."""
    patterns: dict[str, list[re.Pattern[str]]] = {}
    for name, pattern, ignoring_case in _TESTS.findall(expression.path):
        patterns.setdefault(name, []).append(re.compile(pattern, re.IGNORECASE if ignoring_case else 0))
    return patterns
