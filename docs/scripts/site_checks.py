"""A MkDocs hook: every task page has its picture, and the site has a `llms.txt` that lists its pages."""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

_PICTURE = re.compile(r"!\[([^\]]{15,})\]\((?:\.\./)*assets/[\w-]+\.(?:svg|png)\)")
_pages: list[Any] = []


def on_nav(nav: Any, **_: Any) -> None:
    """Keep the pages in the order of the navigation."""
    _pages[:] = nav.pages


def on_page_markdown(markdown: str, page: Any, **_: Any) -> None:
    """Refuse a task page without a picture."""
    if page.file.src_uri.startswith("tasks/") and not has_picture(markdown):
        raise PluginError(
            f"{page.file.src_uri} has no picture; add one to docs/scripts/pictures.py, run make pictures, and show it "
            "with a text that says what is to be seen."
        )


def has_picture(markdown: str) -> bool:
    """Whether a page shows a picture from `assets`, with a description in place of it."""
    return _PICTURE.search(markdown) is not None


def on_post_build(config: Any, **_: Any) -> None:
    """Write `llms.txt` at the root of the site: what the package is, and each page with what it is about."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}"]
    section: str | None = None
    for page in _pages:
        above = page.ancestors[-1].title if page.ancestors else "Overview"
        if above != section:
            section = above
            lines += ["", f"## {section}", ""]
        about = first_sentence(page.markdown or "")
        lines.append(f"- [{page.title}]({page.url or './'}){': ' if about else ''}{about}")
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def first_sentence(markdown: str) -> str:
    """The first sentence of a page's first paragraph, without links and line breaks."""
    for block in re.split(r"\n\s*\n", re.sub(r"^```.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)):
        text = " ".join(block.split())
        if text and text[0] not in "#|!<`:":
            plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
            return re.split(r"(?<=[.:?])\s", plain, maxsplit=1)[0].rstrip(":")
    return ""
