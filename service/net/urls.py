"""URLs as browsers read them (WHATWG URL Standard): identity, site, politeness unit. Pure.

A URL key is for identity only; whoever stores a URL stores it as it was given.
"""

import re
from functools import lru_cache

import can_ada
from tld import get_fld

# Who sent the reader: campaign and click ids that others add to a link. None of them changes what the page shows, so
# two links that differ in them alone lead to one article.
TRACKERS = {
    "Piano, AT Internet": ("at_*", "xtor", "xts", "xtref", "xtnp"),
    "Google": ("utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "srsltid", "_ga", "_gl"),
    "Meta": ("fbclid", "igsh", "igshid"),
    "Microsoft": ("msclkid", "ocid"),
    "X": ("twclid", "__twitter_impression"),
    "TikTok, LinkedIn, Yandex": ("ttclid", "li_fat_id", "yclid", "_openstat"),
    "Yahoo": ("guccounter", "guce_referrer", "guce_referrer_sig", "soc_src", "soc_trk"),
    "Deutsche Welle, New York Times, CBS, Comscore (BBC)": ("maca", "smid", "ftag", "ns_*"),
    "Matomo": ("pk_*", "mtm_*", "piwik_*", "matomo_*"),
    "Adobe, Webtrekk": ("s_cid", "s_kwcid", "cmpid", "wt_mc", "wt_zmc", "wtrid"),
    "newsletters": ("mc_cid", "mc_eid", "mkt_tok", "vero_id", "oly_anon_id", "oly_enc_id", "wickedid"),
    "HubSpot, Taboola, True Anthem": ("_hsenc", "_hsmi", "hsa_*", "tblci", "taid"),
}
"""Parameters left out of a URL key, by who adds them; lower case, ``*`` for the rest of a family's name."""

_TRACKING = frozenset(name for names in TRACKERS.values() for name in names if not name.endswith("*"))
_FAMILIES = tuple(name[:-1] for names in TRACKERS.values() for name in names if name.endswith("*"))
_LANGUAGES = (
    "aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    "cn ma"  # what RFI calls Chinese and Mandenkan
)
"""ISO 639-1; two other letters in a path are a short name, not a language."""
_HOME = re.compile(rf"/?|/(index\.(html?|php))?|/(?:{_LANGUAGES.replace(' ', '|')})([-_][A-Za-z]{{2,4}})?/?", re.ASCII)


def key(url: str) -> str:
    """Return the form under which ``url`` is recognised again.

    Lower-case and punycode host, default port, credentials and fragment dropped, dot segments resolved, tracking
    parameters removed; the other parameters stay as written and in order, and so does percent-encoding.

    Raises:
        ValueError: It is not an absolute URL.
    """
    parsed = _parse(url)
    parsed.hash = ""
    parsed.username = ""
    parsed.password = ""
    parsed.search = "&".join(p for p in parsed.search.removeprefix("?").split("&") if not _is_tracking(p))
    return parsed.href


def request_url(url: str) -> str:
    """Return ``url`` as it is asked for: normalised as a browser does, without credentials and fragment.

    Raises:
        ValueError: It is not an absolute URL.
    """
    parsed = _parse(url)
    parsed.hash = ""
    parsed.username = ""
    parsed.password = ""
    return parsed.href


def host(url: str) -> str:
    """Return the unit of politeness: lower-case host, with the port only where it is not the scheme's default.

    A trailing dot, which roots the name, is left out: both names are one host.

    Raises:
        ValueError: It is not an absolute URL.
    """
    parsed = _parse(url)
    name = parsed.hostname.removesuffix(".")
    return f"{name}:{parsed.port}" if parsed.port else name


def origin(url: str) -> str:
    """Return scheme, host and port as ``https://example.org`` (RFC 6454).

    Raises:
        ValueError: It is not an absolute URL.
    """
    return _parse(url).origin


def join(base: str, link: str) -> str:
    """Return ``link``, as it stands in the document at ``base``, as an absolute URL.

    Raises:
        ValueError: The two make no URL.
    """
    try:
        return (_parse(base) + link).href
    except (ValueError, TypeError):
        raise ValueError(f"no link: {link[:200]!r}") from None


def is_http(url: str) -> bool:
    """Return whether ``url`` is an absolute http or https URL. Never raises."""
    try:
        return _parse(url).protocol in ("http:", "https:")
    except ValueError:
        return False


def other_scheme(url: str) -> str:
    """Return an http URL with https in its place, and the other way round; any other as it is."""
    for one, other in (("http://", "https://"), ("https://", "http://")):
        if url.startswith(one):
            return other + url.removeprefix(one)
    return url


def is_home(url: str) -> bool:
    """Return whether ``url`` is a site's front page: no query, no path or only a language such as ``/fr/``.

    Raises:
        ValueError: It is not an absolute URL.
    """
    parsed = _parse(url)
    return not parsed.search and _HOME.fullmatch(parsed.pathname) is not None


def same_site(one: str, other: str) -> bool:
    """Return whether two URLs share the registrable domain of the public suffix list.

    Addresses and names outside the list (``localhost``) compare whole. Scheme and port do not count.

    Raises:
        ValueError: One of them is not an absolute URL.
    """
    return _site(_parse(one).hostname) == _site(_parse(other).hostname)


def site_name(url: str) -> str | None:
    """What a site is called in its own address: ``bbc`` of ``https://www.bbc.co.uk/news``; None where it has no name.

    Raises:
        ValueError: it is no URL.
    """
    return _name(_parse(url).hostname)


@lru_cache(maxsize=4096)
def _name(host: str) -> str | None:
    hostname = host.removesuffix(".")
    site = get_fld(f"http://{hostname}", fail_silently=True) or ".".join(hostname.split(".")[-2:])
    name, dot, rest = site.partition(".")
    return name if dot and not rest.isdigit() else None


@lru_cache(maxsize=4096)
def _site(hostname: str) -> str:
    # A trailing dot roots the name and changes nothing else.
    name = hostname.removesuffix(".")
    return get_fld(f"http://{name}", fail_silently=True) or name


def _is_tracking(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_FAMILIES)


def _parse(url: str) -> can_ada.URL:
    try:
        return can_ada.parse(url)
    except (ValueError, TypeError):  # TypeError: a lone surrogate, which is no text
        raise ValueError(f"not a URL: {url[:200]!r}") from None
