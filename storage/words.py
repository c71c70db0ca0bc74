"""Numbers with their nouns, for what is said to people. Pure."""


def count(number: int, noun: str) -> str:
    """``1 byte``, ``2 bytes``; ``1 entry``, ``2 entries``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def are(number: int, noun: str) -> str:
    """``1 byte is``, ``2 bytes are``."""
    return f"{count(number, noun)} {'is' if number == 1 else 'are'}"
