"""`llms.txt`: the pages of the manual for programs that read, each with its first sentence (https://llmstxt.org)."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "llms.txt"
MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|\*\*|`")
PROSE = re.compile(r"^[A-Z`\[*].*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
"""a paragraph"""


def llms() -> str:
    """Returns the text of the file."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}"]
    for section in project["nav"]:
        for title, pages in section.items():
            if isinstance(pages, list):
                lines += ["", f"## {title}", "", *_entries(pages)]
    return "\n".join(lines) + "\n"


def _entries(pages: list[str]) -> Iterator[str]:
    for page in pages:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        told = f": {first}" if (first := _first_sentence(text)) else ""
        yield f"- [{_plain(title[1]) if title else page}]({page.removesuffix('.md')}.html){told}"


def _first_sentence(text: str) -> str:
    """Returns how the first paragraph of a page begins."""
    body = re.sub(r"```.*?```|<!--.*?-->|^#.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    found = PROSE.search(body)
    paragraph = " ".join(_plain(found[0]).split()) if found else ""
    sentence = re.split(r"(?<=[.:])\s", paragraph)[0].rstrip(":")
    return sentence if " " in sentence.strip() else ""


def _plain(text: str) -> str:
    return MARKUP.sub(lambda match: match[1] or "", text)
