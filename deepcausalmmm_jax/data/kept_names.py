"""Words replaced in texts, but never inside the names that a text holds."""

import re
from collections.abc import Callable, Iterable


def replaced(text: str, word: re.Pattern[str], instead: Callable[[re.Match[str]], str], names: Iterable[str]) -> str:
    """A text with words replaced, and names as they are.

    Args:
        text: sentence, title or label.
        word: to be replaced.
        instead: gives what takes the place of a match.
        names: that the text may hold.
    """
    holding = sorted({name for name in names if word.search(name) and name in text}, key=len, reverse=True)
    if not holding:
        return word.sub(instead, text)
    whole = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, holding))})(?![^\W_])")
    told, at = [], 0
    for name in whole.finditer(text):
        told += [word.sub(instead, text[at : name.start()]), name.group()]
        at = name.end()
    return "".join([*told, word.sub(instead, text[at:])])
