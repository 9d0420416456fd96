"""Links of a built site: every address within it leads to a file, and to a place in that file."""

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Link(NamedTuple):
    """A link as a page has it."""

    page: Path
    target: str


class _Page(HTMLParser):
    """Collects the links and the names of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        self.links += [given[name] for name in ("href", "src") if name in given]


def _read(page: Path) -> _Page:
    parsed = _Page()
    parsed.feed(page.read_text(encoding="utf-8"))
    return parsed


def links_of(site: Path) -> tuple[list[Link], set[str]]:
    """The links within a site, one for each place of a page, and the addresses outside."""
    internal: list[Link] = []
    external: set[str] = set()
    for page in sorted(site.rglob("*.html")):
        for target in _read(page).links:
            scheme = urlsplit(target).scheme
            if scheme in ("http", "https"):
                external.add(target)
            elif not scheme:
                internal.append(Link(page, target))
    return internal, external


def broken_links(site: Path, links: list[Link]) -> list[str]:
    """Those that lead nowhere, as lines to print."""
    names = {page: _read(page).names for page in site.rglob("*.html")}
    found = set()
    for page, target in links:
        parts = urlsplit(target)
        path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        held = names.get(path)
        lost = (
            not path.exists()
            if held is None
            else bool(parts.fragment) and (unquote(parts.fragment) not in held)
        )
        if lost:
            found.add(f"{page.relative_to(site)}: {target}")
    return sorted(found)
