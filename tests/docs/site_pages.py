"""What the site is made of, read without building it: links, headings, tables of contents."""

import os
import re
from functools import cache
from pathlib import Path

from blocks import DOCS, FENCED

LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE = re.compile(r"`[^`]+`")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
INCLUDED = re.compile(r"^```\{include\} (\S+)\n(?::.*\n)*```$", re.MULTILINE)
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    """What the links of a page name, but addresses of the network."""
    prose = CODE.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    return [target for target in LINK.findall(prose) if "://" not in target]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings of a page and of what it includes, as GitHub and MyST name them."""
    text = page.read_text(encoding="utf-8")
    found: list[str] = []
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        same = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", one) is not None for one in found)
        found.append(f"{name}-{same}" if same else name)
    for included in INCLUDED.findall(text):
        if "_generated" not in included:
            found += anchors((page.parent / included).resolve())
    return frozenset(found)


def lost_links(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    lost = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = Path(os.path.normpath(page.parent / path)) if path else page
        within = DOCS not in page.parents or DOCS in file.parents  # a page of the site stays there
        known = not anchor or file.suffix != ".md" or anchor in anchors(file)
        if not (file.exists() and within and known):
            lost.append(target)
    return lost


def reachable(page: Path) -> set[Path]:
    """The pages that are found by following tables of contents from ``page``."""
    found = {page}
    for listed in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for line in listed.splitlines():
            if line and not line.startswith(":"):
                found |= reachable(page.parent / f"{line}.md")
    return found
