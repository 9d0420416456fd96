"""The page: complete, without external requests, with the figures of the comparison."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from largeloss.analysis.corrections import Corrections, LossHistogram, Quality
from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.report.cards import Card, Cards, FlaggedEntry
from largeloss.report.figures import Curve
from largeloss.report.html import ReportPage, write_report
from largeloss.report.tables import comparison_rows

VOID = {"meta", "img", "br", "hr", "link", "input"}
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
IMAGE = np.zeros((8, 8, 3), np.uint8)


class Outline(HTMLParser):
    """Refuses tags that do not close in order; collects tags, texts by tag, and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for found, attrs in self.tags if found == tag]

    def texts_of(self, tag: str) -> list[str]:
        return [text for found, text in self.texts if found == tag]


def page() -> ReportPage:
    runs = [
        ComparedRun("full", None, 0, 95.61, 95.2, 9, 30.0),
        ComparedRun("an", None, 0, 73.04, 66.27, 5, 30.0),
        ComparedRun("ll-r", 1.0, 0, 81.45, 80.9, 11, 30.0),
    ]
    return ReportPage(
        title="Missing tags",
        lead="What happens.",
        command="largeloss demo --seeds 1",
        comparison=Comparison.of(runs),
        curves=(
            Curve("Naive AN", (0, 1, 2), (40.0, 70.0, 60.0)),
            Curve("LL-R", (0, 1, 2), (40.0, 70.0, 80.0), (39.0, 69.0, 79.0), (41.0, 71.0, 81.0)),
        ),
        cards=Cards(
            "Rejected",
            "LL-R leaves out.",
            "Left out",
            (
                Card(
                    "a.png",
                    IMAGE,
                    ("3",),
                    (FlaggedEntry("7", True), FlaggedEntry("1", False)),
                    ("3", "7"),
                ),
                Card("b.png", IMAGE, (), (FlaggedEntry("5", None, "91 %", IMAGE),), None),
                Card("c.png", IMAGE, (), (), ()),
            ),
        ),
        settings=(("training.epochs", "14"), ("torch", "2.15")),
        notes=("Chosen on val.",),
    )


def written(report: ReportPage, folder: Path) -> tuple[str, Outline]:
    path = folder / "new" / "report.html"
    write_report(path, report)
    text = path.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    outline.close()
    assert outline.open == []
    return text, outline


def test_the_page_is_well_formed(tmp_path: Path) -> None:
    text, outline = written(page(), tmp_path)
    assert text.startswith("<!doctype html>\n")
    assert outline.all("html") == [{"lang": "en"}]
    assert outline.texts_of("title") == outline.texts_of("h1") == ["Missing tags"]
    assert all(attrs.get("scope") in {"col", "row"} for attrs in outline.all("th"))
    assert all(attrs.get("alt") for attrs in outline.all("img"))
    assert all(
        attrs.get("role") == "img" and attrs.get("aria-label") for attrs in outline.all("svg")
    )
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = [attrs["aria-labelledby"] for _, attrs in outline.tags if "aria-labelledby" in attrs]
    assert set(labels) <= set(ids)


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    text, outline = written(page(), tmp_path)
    assert not re.search(
        r"(?:https?:)?//(?!\*)", re.sub(r' xmlns(?::xlink)?="[^"]*"', "", _bare(text))
    )
    assert "@import" not in text
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in outline.tags}
    sources = [
        value
        for _, attrs in outline.tags
        for name, value in attrs.items()
        if name in {"src", "href", "xlink:href"}
    ]
    assert sources
    assert all(str(value).startswith(("data:image/png;base64,", "#")) for value in sources)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))


def _bare(text: str) -> str:
    return re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)


def test_figures_are_those_of_the_comparison(tmp_path: Path) -> None:
    report = page()
    text, _ = written(report, tmp_path)
    body = text[text.index("<tbody>") : text.index("</tbody>")]
    lines = re.findall(r"<tr>(.*?)</tr>", body)
    shown = [
        tuple(re.findall(r"<(?:th|td)(?! class=\"gauge\")[^>]*>([^<]*)</", line)) for line in lines
    ]
    assert report.comparison
    assert shown == [row.cells for row in comparison_rows(report.comparison)]
    assert [cells[2:4] for cells in shown] == [("95.6", "95.2"), ("73.0", "66.3"), ("81.5", "80.9")]
    assert re.findall(r"--best: ([\d.]+)%; --last: ([\d.]+)%", body) == [
        ("95.61", "95.20"),
        ("73.04", "66.27"),
        ("81.45", "80.90"),
    ]


def test_verdicts() -> None:
    verdicts = [FlaggedEntry("7", truth).verdict for truth in (True, False, None)]
    assert verdicts == ["missing tag", "truly absent", "unknown"]


def test_verdicts_have_a_sign_and_words(tmp_path: Path) -> None:
    text, _ = written(page(), tmp_path)
    cards = text[text.index('<ul class="cards with-maps">') :]
    assert '<span class="verdict missing-tag">✓ 7 <small>missing tag</small></span>' in cards
    assert '<span class="verdict truly-absent">✗ 1 <small>truly absent</small></span>' in cards
    assert '<span class="verdict unknown">? 5 <small>unknown, 91 %</small></span>' in cards
    assert 'alt="Training image a.png, showing 3, 7"' in cards
    assert 'alt="Training image b.png"' in cards
    assert 'alt="The same image with the class activation map of 5"' in cards
    assert 'alt="Training image c.png, showing none of the classes"' in cards


def test_everything_is_escaped(tmp_path: Path) -> None:
    runs = [ComparedRun(HOSTILE, None, 0, 50.0, 40.0, 1, 1.0)]
    hostile = ReportPage(
        title=HOSTILE,
        lead=HOSTILE,
        command=HOSTILE,
        comparison=Comparison.of(runs),
        curves=(Curve(HOSTILE, (0, 1), (1.0, 2.0)),),
        cards=Cards(
            HOSTILE,
            HOSTILE,
            HOSTILE,
            (
                Card(
                    HOSTILE, IMAGE, (HOSTILE,), (FlaggedEntry(HOSTILE, True, HOSTILE),), (HOSTILE,)
                ),
            ),
        ),
        settings=((HOSTILE, HOSTILE),),
        notes=(HOSTILE,),
        curves_title=HOSTILE,
    )
    text, outline = written(hostile, tmp_path)
    assert "<img src=x" not in text
    assert len(outline.all("img")) == 1
    assert not [name for _, attrs in outline.tags for name in attrs if name.startswith("on")]
    for tag in ("title", "h1", "h2", "p", "li", "code", "dd", "th", "td"):
        assert HOSTILE in outline.texts_of(tag)


def test_parts_without_data_are_left_out(tmp_path: Path) -> None:
    empty = ReportPage("T", "", "", Comparison.of([]))
    _, outline = written(empty, tmp_path)
    for tag in ("section", "table", "svg", "img", "figure", "ul", "pre", "p", "h2"):
        assert outline.all(tag) == []


@pytest.mark.parametrize(
    ("part", "heading"),
    [
        ({"curves": ()}, "curves"),
        ({"curves": (Curve("a", (), ()),)}, "curves"),
        ({"cards": None}, "cards"),
        ({"settings": ()}, "settings"),
        ({"command": ""}, "command"),
        ({"comparison": Comparison.of([])}, "comparison"),
    ],
)
def test_one_part_without_data(part: dict[str, object], heading: str, tmp_path: Path) -> None:
    _, outline = written(replace(page(), **part), tmp_path)  # type: ignore[arg-type]
    headings = [attrs["id"] for attrs in outline.all("h2")]
    whole = ["comparison", "curves", "cards", "command", "settings"]
    assert headings == [name for name in whole if name != heading]
    assert "Chosen on val." in outline.texts_of("li")


def test_bands_are_explained_where_there_are_any(tmp_path: Path) -> None:
    report = page()
    assert "shaded bands" in written(report, tmp_path)[0]
    assert "shaded bands" not in written(replace(report, curves=report.curves[:1]), tmp_path)[0]


def test_the_page_is_the_same_each_time(tmp_path: Path) -> None:
    assert written(page(), tmp_path)[0] == written(page(), tmp_path)[0]


def test_a_run_without_figures_has_no_bar(tmp_path: Path) -> None:
    nan = float("nan")
    lost = Comparison.of([ComparedRun("an", None, 0, nan, nan, 0, 1.0)])
    text, _ = written(replace(page(), comparison=lost), tmp_path)
    assert 'class="bar"' not in text
    assert "nan%" not in text


def test_precision_and_recall_are_drawn_where_any_run_flagged_what_is_known(tmp_path):
    none, some = Quality(0, 0, 0, 5), Quality(4, 4, 3, 5)
    losses = LossHistogram((0.0, 1.0), (9,), (0,))
    runs = [("Ends with none", (some, none)), ("Ends with some", (none, some))]
    found = tuple((title, Corrections(epochs, {}, losses)) for title, epochs in runs)
    write_report(tmp_path / "r.html", replace(page(), corrections=found))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<h3>Precision (%)</h3>" in text
    assert "not known here" not in text
    unknown = tuple((title, Corrections((none, none), {}, losses)) for title, _ in runs)
    write_report(tmp_path / "r.html", replace(page(), corrections=unknown))
    assert "not known here" in (tmp_path / "r.html").read_text(encoding="utf-8")
