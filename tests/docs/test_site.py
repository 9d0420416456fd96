"""The site holds together: links lead somewhere, every page is found. Sphinx is not needed."""

from pathlib import Path

import pytest
from blocks import DOCS, PAGES
from site_pages import anchors, lost_links, reachable


def test_links_lead_somewhere() -> None:
    assert {str(page): lost for page in PAGES if (lost := lost_links(page))} == {}


def test_every_page_is_in_a_table_of_contents() -> None:
    pages = {page for page in PAGES if DOCS in page.parents}
    assert reachable(DOCS / "index.md") == pages - {DOCS / "plan.md"}


def test_headings_are_named_as_on_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The `data check` of [Δ](x.md)\n## A, b – c\n## Same\n## Same\n")
    assert anchors(page) == {"the-data-check-of-δ", "a-b--c", "same", "same-1"}


@pytest.mark.parametrize("target", ["no.md", "page.md#no", "#no"])
def test_lost_links_are_found(tmp_path: Path, target: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n[a]({target}) [b](#here) `[c](no.md)` [d](https://example.org)\n")
    assert lost_links(page) == [target]
