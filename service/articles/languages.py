"""Language tags as pages write them, put into the form of BCP 47 (RFC 5646). Pure."""

import re

_TAG = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?((?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*)", re.I)
_NO_LANGUAGE = {"und", "mul", "zxx", "mis"}
_OLD = {"iw": "he", "in": "id", "ji": "yi"}
_CHINESE = {"cn": "zh-CN", "tw": "zh-TW", "zh-chs": "zh-Hans", "zh-cht": "zh-Hant"}


def normalise_language(written: str) -> str | None:
    """``fr_FR`` → ``fr-FR``, ``EN`` → ``en``, ``zh-hant-tw`` → ``zh-Hant-TW``; None for what names no language.

    Of several tags (``fr, en``) the first counts; an encoding after it (``fr_FR.UTF-8``) is dropped.
    """
    tag = re.split(r"[,;.@\s]", written.strip(), maxsplit=1)[0].replace("_", "-").lower()
    tag = _CHINESE.get(tag, tag)
    match = _TAG.fullmatch(tag)
    if not match or match[1].lower() in _NO_LANGUAGE:
        return None
    language, script, region, variants = match.groups()
    parts = [_OLD.get(language.lower(), language.lower())]
    if script:
        parts.append(script.title())
    if region:
        parts.append(region.upper())
    return "-".join(parts) + variants.lower()
