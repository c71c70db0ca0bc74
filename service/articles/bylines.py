"""Where trafilatura looks for a byline, found without XPath. Pure."""

import re
from collections.abc import Callable

from lxml.etree import XPath
from lxml.html import HtmlElement

from service.articles.selectors import Found, Select, by_xpath, patterns_of, tests_of


def author(expressions: list[XPath]) -> list[Select]:
    """For AUTHOR_XPATHS."""
    named, generic, last = expressions
    in_full = by_xpath(named)
    name_class = tests_of(named)["class"]
    generic_id, generic_class = tests_of(generic)["id"], tests_of(generic)["class"]
    last_id, last_class = tests_of(last)["id"], tests_of(last)["class"]

    def select_named(tree: HtmlElement) -> list[HtmlElement]:
        root = tree.getroottree().getroot()
        if next(root.iter("rel"), None) is not None:  # the expression asks for a child where an attribute is meant
            return in_full(tree)
        found = []
        for element in root.iter("a", "address", "div", "link", "p", "span", "strong", "author"):
            if element.tag == "author":
                found.append(element)
                continue
            for name, value in element.items():
                if name == "class":
                    if value == "author" or name_class[value]:
                        found.append(element)
                        break
                elif (
                    (name in ("rel", "id") and value == "author")
                    or (name == "itemprop" and value == "author name")
                    or (name == "data-testid" and value in ("AuthorCard", "AuthorURL"))
                ):
                    found.append(element)
                    break
        return found

    def select_generic(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.getroottree().getroot().iter("a", "div", "h3", "h4", "p", "span"):
            for name, value in element.items():
                if name == "class":
                    if value in ("byline", "username", "byl", "BBL") or generic_class[value]:
                        found.append(element)
                        break
                elif (name == "id" and generic_id[value]) or (name == "itemprop" and "author" in value):
                    found.append(element)
                    break
        return found

    def select_last(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.getroottree().getroot().iter("*"):
            for name, value in element.items():
                if (
                    (name == "class" and last_class[value])
                    or (name == "id" and last_id[value])
                    or (name == "itemprop" and "author" in value)
                    or (name == "data-component" and "Byline" in value)
                ):
                    found.append(element)
                    break
        return found

    return [select_named, select_generic, select_last]


def any_author(expressions: list[XPath]) -> Callable[[HtmlElement], bool]:
    """For AUTHOR_XPATHS: whether one of them may select anything."""
    named, generic, last = map(patterns_of, expressions)
    words = re.compile("^(?:author|byline|username|byl|BBL)$")
    by_class = Found(words, *named["class"], *generic["class"], *last["class"])
    by_id = Found(words, *generic["id"], *last["id"])

    def may_select(tree: HtmlElement) -> bool:
        for element in tree.getroottree().getroot().iter("*"):
            if element.tag in ("author", "rel"):
                return True
            for name, value in element.items():
                if (
                    (name == "class" and by_class[value])
                    or (name == "id" and by_id[value])
                    or (name == "rel" and value == "author")
                    or (name == "itemprop" and "author" in value)
                    or (name == "data-component" and "Byline" in value)
                    or (name == "data-testid" and value in ("AuthorCard", "AuthorURL"))
                ):
                    return True
        return False

    return may_select


def author_discard(expressions: list[XPath]) -> list[Select]:
    """For AUTHOR_DISCARD_XPATHS."""
    first, second = expressions
    by_id, by_class = tests_of(first)["id"], tests_of(first)["class"]

    def select(tree: HtmlElement) -> list[HtmlElement]:
        found = []
        for element in tree.iterdescendants("a", "div", "section", "span"):
            for name, value in element.items():
                if name == "class":
                    if value in ("comments", "title", "date") or by_class[value]:
                        found.append(element)
                        break
                elif (name == "id" and (value == "comments" or by_id[value])) or (
                    name == "data-component" and "Figure" in value
                ):
                    found.append(element)
                    break
        return found

    return [select, by_xpath(second)]
