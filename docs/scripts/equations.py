"""A MkDocs hook: equations become MathML when the site is built, which browsers show by themselves.

No script is loaded from anywhere, and a page's equations can be read without JavaScript and by screen readers.
"""

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_LARGER = re.compile(r"\\(?:Big|big|Bigg|bigg)(?=[()\[\]|])")  # MathML sizes brackets by what is between them


def on_page_content(html: str, **_: Any) -> str:
    """Replace what `pymdownx.arithmatex` marked."""
    return _EQUATION.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    display = "block" if found[2] == "[" else "inline"
    return str(convert(_LARGER.sub("", unescape(found[3]).strip()), display=display))
