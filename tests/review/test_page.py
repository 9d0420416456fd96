"""The review page in a real browser, with the real server: nothing acknowledged is lost."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from review_server import HOSTILE_CLASS, HOSTILE_IMAGE, Server, write_run

from contrast import contrast
from largeloss.labels.answers import ANSWERS, Answer, standing_answers

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of [dev]")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH (on Debian: apt-get install chromium)"
)
SHOWN = ".tile[data-current][data-shown]"
READY = f"{SHOWN}:visible, #frame[data-shown]:visible, #empty:visible"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: each has reviewers of its own."""
    started = Server(write_run(tmp_path_factory.mktemp("review") / "data"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def messages() -> list[str]:
    """What the browsers complain of: errors of scripts, and what the content policy forbids."""
    return []


@pytest.fixture
def opened(server: Server, browser: Any, messages: list[str]) -> Iterator[Open]:
    """Opens the page for a reviewer, in a browser context of its own."""
    contexts: list[Any] = []

    def open_page(reviewer: str, fragment: str = "", **more: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": DESKTOP} | more))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(f"{server.address}/?reviewer={reviewer}{fragment}")
        loaded(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def kept(server: Server, reviewer: str) -> list[Answer]:
    """What the journal holds of a reviewer."""
    return [one for one in standing_answers(server.run / ANSWERS) if one.reviewer == reviewer]


def press(page: Any, *keys: str) -> None:
    """Keys one after the other, each when the current image is there, and until all is saved."""
    for key in keys:
        page.locator(READY).first.wait_for()
        page.keyboard.press(key)
    all_saved(page)


def loaded(page: Any) -> None:
    """All images of the screen are there."""
    page.locator(READY).first.wait_for()
    expect(page.locator(".tile:not([data-shown]):visible")).to_have_count(0)


def all_saved(page: Any) -> None:
    expect(page.locator("#saved")).to_have_text("All answers saved")


def chips(page: Any) -> list[str]:
    """The answers on the tiles, without those of other reviewers."""
    return [re.sub(r" · \S+: \w+$", "", text) for text in page.locator(".chip").all_inner_texts()]


def test_answers_are_kept_and_undone(server: Server, opened: Open, messages: list[str]) -> None:
    page = opened("ana")
    press(page, "y", "n", "u")
    assert chips(page) == ["Yes", "No", "Unsure"]
    assert [one.answer for one in kept(server, "ana")] == ["yes", "no", "unsure"]
    assert page.locator("#told").inner_text().startswith("Saved: unsure.")
    page.reload()
    loaded(page)
    assert chips(page) == ["Yes", "No", "Unsure"]
    assert page.locator(SHOWN).get_attribute("aria-label").startswith("4 of 40 · ")

    press(page, "Backspace")  # this page did not give the answer: the server tells which it was
    expect(page.locator(".chip")).to_have_count(2)
    press(page, "Backspace")
    assert chips(page) == ["Yes"]
    assert [one.answer for one in kept(server, "ana")] == ["yes"]
    press(page, "n", "Backspace", "Backspace", "Backspace")
    expect(page.locator("#told")).to_have_text("There is nothing to undo.")
    assert kept(server, "ana") == []
    page.keyboard.press("f")
    all_saved(page)
    page.reload()
    loaded(page)
    assert page.locator(".flagged").all_inner_texts() == ["Flagged"]
    assert messages == []


def test_an_undo_and_another_answer_at_once(server: Server, opened: Open) -> None:
    page = opened("hasty")
    page.keyboard.press("y")
    page.keyboard.press("y")
    page.keyboard.press("Backspace")
    page.keyboard.press("n")  # of the entry that the undo went back to
    all_saved(page)
    assert chips(page) == ["Yes", "No"]
    assert [one.answer for one in kept(server, "hasty")] == ["yes", "no"]


def test_who_answers_second_is_told(server: Server, opened: Open) -> None:
    ben, eva = opened("ben", "#class=1"), opened("eva", "#class=1")
    press(ben, "y", "n")
    press(eva, "y")
    expect(eva.locator("#told")).to_contain_text("ben had answered before: yes, too.")
    assert eva.locator("#notice").inner_text() == ""
    press(eva, "y")
    assert eva.locator("#notice").inner_text() == "ben had answered before: no; you: yes."
    eva.reload()
    loaded(eva)
    assert "same answer" in eva.locator("#reviewers").inner_text()
    assert eva.locator(".chip").all_inner_texts() == ["Yes", "Yes · ben: no"]


@pytest.mark.parametrize("view", ["grid", "single"])
def test_fast_typing_over_the_end_of_a_page(server: Server, opened: Open, view: str) -> None:
    """A key that is pressed before the next images are there answers nothing, and changes none."""
    page = opened(f"fast-{view}", f"#view={view}")
    asked: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            asked.append(json.loads(request.post_data)) if request.method == "POST" else None
        ),
    )
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 60, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", slow)
    for key in "nnnnnnnnnnnn" + "yn" * 20:
        page.keyboard.press(key)
    all_saved(page)
    given = [(one["row"], one["column"]) for body in asked for one in body["answers"]]
    assert len(given) >= (12 if view == "grid" else 1)
    assert len(set(given)) == len(given)  # none was answered twice
    assert len(kept(server, f"fast-{view}")) == len(given)


def test_a_key_that_is_held_answers_once(server: Server, opened: Open) -> None:
    page = opened("holding")
    for _ in range(10):
        page.keyboard.down("y")  # the second and all later ones are repetitions
    page.keyboard.up("y")
    all_saved(page)
    assert len(kept(server, "holding")) == 1


def test_all_visible_no_is_one_step(server: Server, opened: Open) -> None:
    page = opened("sweeping")
    press(page, "ArrowRight", "y")
    expect(page.locator(".tile[data-shown]")).to_have_count(12)
    assert page.locator("#all-no").inner_text().endswith("All 11 visible: no")
    page.click("#all-no")
    page.wait_for_selector(f".tile[data-position='12']{SHOWN[5:]}")  # the next page
    all_saved(page)
    assert [one.answer for one in kept(server, "sweeping")] == ["yes", *["no"] * 11]
    press(page, "Backspace")
    assert chips(page) == ["Yes"]
    assert [one.answer for one in kept(server, "sweeping")] == ["yes"]
    press(page, "ArrowRight", "ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    press(page, "u")
    assert [one.answer for one in kept(server, "sweeping")] == ["yes", "unsure", "unsure"]


def test_to_the_end_of_a_class_and_on(server: Server, opened: Open) -> None:
    page = opened("thorough", "&class=sofa#mode=audit")
    assert page.locator("h1").inner_text() == "Which of these show sofa?"
    for _ in range(4):
        expect(page.locator(".tile:not([data-shown])")).to_have_count(0)
        press(page, "Shift+N")
    page.wait_for_selector("#empty:not([hidden])")
    assert "All entries of the audit for sofa are answered" in page.locator("#empty").inner_text()
    figures = page.locator("#figures").inner_text()
    assert "0 of 40 answered show the class." in figures
    assert "Estimate: 0 % of the entries without a label are missing tags" in figures
    before = len(kept(server, "thorough"))
    page.keyboard.press("y")
    page.keyboard.press("n")
    assert len(kept(server, "thorough")) == before == 40
    page.keyboard.press("Enter")
    page.wait_for_selector(SHOWN)
    assert page.locator("h1").inner_text() == "Which of these show dog?"
    page.keyboard.press("]")
    expect(page.locator("h1")).to_contain_text("onerror")


def test_the_server_is_killed_in_mid_click(server: Server, opened: Open) -> None:
    page = opened("killed")
    press(page, "y", "n")
    server.kill()
    page.click("footer [data-action=yes]")
    page.keyboard.press("u")
    page.wait_for_selector("#banner:not([hidden])")
    assert "The server does not answer." in page.locator("#banner").inner_text()
    assert "2 not saved yet" in page.locator("#banner").inner_text()
    assert page.locator("#saved").inner_text() == "2 not saved yet"
    assert chips(page) == ["Yes", "No", "Yes · not saved yet", "Unsure · not saved yet"]
    assert [one.answer for one in kept(server, "killed")] == ["yes", "no"]
    server.start()
    all_saved(page)
    page.wait_for_selector("#banner", state="hidden")
    assert chips(page) == ["Yes", "No", "Yes", "Unsure"]
    assert [one.answer for one in kept(server, "killed")] == ["yes", "no", "yes", "unsure"]


def test_a_step_whose_acknowledgement_was_lost_is_kept_once(server: Server, opened: Open) -> None:
    page = opened("cut-off")
    lost = []

    def cut(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())  # committed, and the answer thrown away
            route.abort()
        else:
            route.continue_()

    page.route("**/api/answers", cut)
    press(page, "y")
    assert len(lost) == 1
    press(page, "Backspace")
    assert kept(server, "cut-off") == []
    page.unroute("**/api/answers")
    page.route("**/api/answers", lambda route: route.fulfill(
        status=400, content_type="application/json", body='{"error": "No such thing."}'
    ))  # fmt: skip
    page.keyboard.press("y")
    expect(page.locator("#notice")).to_contain_text("No such thing")
    assert chips(page) == []  # what was refused is not shown as an answer


def test_unsaved_answers_outlast_the_page(server: Server, opened: Open) -> None:
    page = opened("patient")
    reply = {"status": 401, "content_type": "application/json", "body": '{"error": "No token."}'}
    page.route("**/api/answers", lambda route: route.fulfill(**reply))
    page.keyboard.press("y")
    expect(page.locator("#banner")).to_contain_text("The server could not save: No token.")
    assert kept(server, "patient") == []
    page.unroute("**/api/answers")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    loaded(page)
    all_saved(page)
    assert [one.answer for one in kept(server, "patient")] == ["yes"]


def test_an_image_that_cannot_be_shown_is_not_answered(server: Server, opened: Open) -> None:
    page = opened("blind")
    row = page.locator(".tile img").nth(1).get_attribute("src").rsplit("/")[-1]
    page.route(f"**/images/{row}", lambda route: route.abort())
    press(page, "y", "Enter")
    page.wait_for_selector("#frame[data-broken]")
    page.keyboard.press("y")
    assert "cannot be shown" in page.locator("#told").inner_text()
    assert len(kept(server, "blind")) == 1
    page.keyboard.press("ArrowRight")
    press(page, "n")
    assert len(kept(server, "blind")) == 2


def test_hostile_names_are_text(server: Server, opened: Open, messages: list[str]) -> None:
    page = opened("mallory%3Cb%3E", "#class=1")
    assert page.locator("h1").inner_text() == f"Which of these show {HOSTILE_CLASS}?"
    assert HOSTILE_CLASS in page.locator("#class option").nth(1).inner_text()
    page.select_option("#class", index=1)
    labels = page.locator(".tile").evaluate_all("all => all.map(t => t.getAttribute('aria-label'))")
    page.keyboard.press("Enter")
    page.wait_for_selector("#frame[data-shown]")
    for _ in range(40):
        if HOSTILE_IMAGE in page.locator("#caption").text_content():
            break
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#frame[data-shown]")
    assert HOSTILE_IMAGE in page.locator("#caption").text_content()
    assert labels
    assert "mallory<b>" in page.locator("#reviewers").inner_text()
    assert page.locator("h1 *, #caption *, #class option *, #reviewers *").count() == 0
    assert page.evaluate("window.owned") is None
    assert messages == []


def test_by_keyboard_alone(server: Server, opened: Open) -> None:
    page = opened("keys")
    assert page.evaluate("document.activeElement.className") == "tile"
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("y")  # not while the help is open
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    press(page, "ArrowDown", "y", "Enter")
    page.wait_for_selector("#frame[data-shown]")
    page.keyboard.down("m")
    page.wait_for_selector("img.map")
    page.keyboard.up("m")
    assert page.locator("img.map").count() == 0
    page.keyboard.press("z")
    assert page.locator("#frame").get_attribute("data-zoomed") == ""
    page.keyboard.press("z")
    press(page, "n", "Escape")
    assert page.locator("#grid").is_visible()
    assert [one.answer for one in kept(server, "keys")] == ["yes", "no"]
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.dataset.action ?? document.activeElement.id")
        )
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid" or seen[-1] == "", seen
    order = [name for name in seen if name in ("previous-class", "suggestions", "yes", "reviewer")]
    assert order[:4] == ["yes", "reviewer", "previous-class", "suggestions"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_and_letters_that_stand_out(server: Server, opened: Open, scheme: str) -> None:
    page = opened(
        f"phone-{scheme}", viewport=PHONE, color_scheme=scheme, has_touch=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page.locator(".tile").nth(0).tap()
    page.locator(".tile").nth(1).tap()
    page.locator("footer [data-action=no]").tap()
    all_saved(page)
    assert len(kept(server, f"phone-{scheme}")) == 2
    looked_at(page)
    page.locator("footer [data-action=toggle]").tap()
    page.wait_for_selector("#frame[data-shown]")
    page.locator("footer [data-action=yes]").tap()
    all_saved(page)
    looked_at(page)
    page.locator("[data-action=help]").tap()
    looked_at(page)
    heights = page.locator(".answers button").evaluate_all("all => all.map(b => b.offsetHeight)")
    assert min(heights) >= 44
    assert page.locator("footer").bounding_box()["y"] < PHONE["height"] - 100


def looked_at(page: Any) -> None:
    """Nothing leads out of the page sideways, and letters have the contrast of WCAG 2.2 AA."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    outside = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, h1, p, img, li')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().width
                     && (e.getBoundingClientRect().right > innerWidth + 1
                         || e.getBoundingClientRect().left < -1))
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    pairs = page.evaluate(
        """() => {
        const ground = element => {
          for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!colour.endsWith(', 0)')) return colour;
          }
        };
        return [...document.querySelectorAll('body *')]
          .filter(e => e.checkVisibility()
                       && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
          .map(e => [getComputedStyle(e).color, ground(e), e.outerHTML.slice(0, 80)]);
        }"""
    )
    assert len(pairs) > 20
    for colour, ground, what in pairs:
        assert contrast(colour, ground) >= 4.5, (colour, ground, what)
