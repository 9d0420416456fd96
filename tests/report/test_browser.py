"""The page in a real browser: nothing is cut off, and there are no requests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrast import contrast
from largeloss.cli import run

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of [dev]")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH (on Debian: apt-get install chromium)"
)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's page and a comparison's, of recorded runs."""
    out = tmp_path_factory.mktemp("reports") / "a-comparison"
    code = run(
        [
            "demo", "--methods", "full,an,ll-r:5", "--epochs", "2", "--out", str(out),
        ]
    )  # fmt: skip
    assert code == 0
    assert run(["report", str(out / "ll-r-5-seed0")]) == 0
    return {
        "comparison": out / "report.html",
        "run": out / "ll-r-5-seed0" / "report.html",
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.parametrize("kind", ["run", "comparison"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_stands_alone_and_fits(
    pages: dict[str, Path], browser: Any, kind: str, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    messages: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = pages[kind].as_uri()
    page.goto(address)

    assert messages == []
    assert [url for url in asked if url != address and not url.startswith("data:")] == []
    # Tables may scroll inside their own box; the page itself never sideways.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """() => [...document.querySelectorAll('h1,h2,h3,p,li,dt,dd,figcaption,pre,th,td')]
        .filter(e => !e.closest('.scroll') && e.getClientRects().length
                     && e.scrollWidth > e.clientWidth + 1
                     && getComputedStyle(e).display !== 'inline')
        .map(e => e.tagName + ': ' + e.textContent.slice(0, 40))"""
    )
    assert cut == []
    loaded = page.evaluate(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert loaded
    # Letters of the charts that can be seen lie inside of the page.
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg text')]
        .map(e => [e.textContent, e.getBoundingClientRect()])
        .filter(([_, box]) => box.width && (box.left < 0 || box.right > innerWidth))
        .map(([text]) => text)"""
    )
    assert outside == []
    context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_letters_stand_out(pages: dict[str, Path], browser: Any, scheme: str) -> None:
    """Text has at least the contrast of WCAG 2.2 AA, 4.5 to 1, on the page's ground."""
    context = browser.new_context(color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto(pages["run"].as_uri())
    pairs = page.evaluate(
        """() => {
        const ground = getComputedStyle(document.body).backgroundColor;
        return [...document.querySelectorAll('p,li,th,td,dt,dd,figcaption,svg text,h1,h2,h3')]
        .filter(e => e.getClientRects().length && !e.closest('.cards'))
        .map(e => [e instanceof SVGElement ? getComputedStyle(e).fill
                                           : getComputedStyle(e).color, ground])}"""
    )
    assert pairs
    for colour, ground in {tuple(pair) for pair in pairs}:
        assert contrast(colour, ground) >= 4.5, (colour, ground)
    context.close()


def test_finding_26_flagged_entries_sort_and_filter(pages: dict[str, Path], browser: Any) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(pages["run"].as_uri())

    def cells(column: int) -> list[str]:
        found: list[str] = page.locator(
            f"#flagged-table tbody td:nth-child({column})"
        ).all_inner_texts()
        return found

    losses = [float(text) for text in cells(3)]
    assert len(losses) == 25
    assert losses == sorted(losses, reverse=True)
    page.get_by_role("button", name="Loss").click()
    lowest = [float(text) for text in cells(3)]
    assert lowest == sorted(lowest)
    assert lowest[-1] < losses[-1]
    assert page.locator("#flagged-table th").nth(2).get_attribute("aria-sort") == "ascending"
    page.get_by_label("Truth").select_option("missing tag")
    assert set(cells(4)) == {"missing tag"}
    before = page.locator("#flagged-count").inner_text()
    name = cells(1)[0]
    page.get_by_label("Image or class").fill(name)
    assert all(name in image for image in cells(1))
    assert page.locator("#flagged-count").inner_text() != before
    page.get_by_label("Image or class").fill("nothing is named so")
    assert cells(1) == []
    assert page.locator("#flagged-count").inner_text() == "none"
    page.get_by_label("Image or class").fill("")
    page.get_by_role("button", name="Later rows").click()
    assert page.locator("#flagged-count").inner_text().startswith("26 to 50 of ")
    context.close()


def test_finding_26_there_is_space_between_picture_and_map(
    pages: dict[str, Path], browser: Any
) -> None:
    page = browser.new_page()
    page.goto(pages["run"].as_uri())
    left, right = page.locator(".cards .images").first.locator("img").all()
    one, two = left.bounding_box(), right.bounding_box()
    assert two["x"] - one["x"] - one["width"] >= 6
    page.close()
