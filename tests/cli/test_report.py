"""Reports of runs and comparisons, made by the command line from what is in their folders."""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from largeloss.pages.missing_tags import _in_proportion
from largeloss.report.reproduction_tables import duration

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "4", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0", "--observe", "single-positive",
)  # fmt: skip


@pytest.fixture
def trained(largeloss, image_folder, tmp_path):
    def train(method, *more, data=image_folder, out="run", observe=True):
        folder = tmp_path / out
        settings = SMALL if observe else SMALL[: SMALL.index("--observe")]
        code, printed, err = largeloss(
            "train", data, *settings, "--method", method, *more, "--out", folder
        )
        assert code == 0, err
        assert str(folder / "report.html") in printed
        return folder, (folder / "report.html").read_text(encoding="utf-8")

    return train


def section(page: str, name: str) -> str:
    """A section of the page, as text between tags."""
    found = re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    assert found is not None, f"no section {name}"
    return found[1]


def only(pattern: str, page: str) -> str:
    """The one text that a pattern finds."""
    (found,) = re.findall(pattern, page, re.DOTALL)
    return str(found)


def rows(part: str) -> dict[str, list[str]]:
    """Row header → cells, of all tables of a section."""
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", part)
    found = {}
    for line in lines:
        head = re.search(r'<th scope="row"[^>]*>([^<]*)</th>', line)
        if head:
            found[head[1]] = re.findall(r"<td>([^<]*)</td>", line)
    return found


def test_figures_are_those_of_the_run(trained):
    run, page = trained("ll-r", "--delta-rel", "10", "--record", "losses")
    result = json.loads((run / "result.json").read_text())
    glance = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page)
    said = dict(glance)
    assert said[f"test mAP, best epoch ({result['best_epoch']})"] == f"{result['test_map']:.1f} %"
    assert said["test mAP, last epoch"] == f"{result['last_test_map']:.1f} %"
    for which in ("precision", "recall"):
        told = said[f"{which} of the tags on test"]
        assert told == f"{result[f'test_tag_{which}']:.1f} %"
    classes = rows(section(page, "classes"))
    assert set(classes) == set(result["test_ap"])
    for name, value in result["test_ap"].items():
        assert classes[name][0] in (f"{100 * value:.1f}", "–")
    labels = rows(section(page, "labels"))
    for name, counts in result["train_counts"].items():
        assert labels[name] == [str(number) for number in counts]

    corrections = json.loads((run / "analysis/corrections.json").read_text())
    last = corrections["epochs"][-1]
    cells = rows(section(page, "corrections"))["LL-R Δ 10 %"]
    assert cells[0] == str(last["flagged"])
    assert cells[1] == f"{100 * last['precision']:.1f}"
    memorization = json.loads((run / "analysis/memorization.json").read_text())
    cells = rows(section(page, "memorization"))["LL-R Δ 10 %"]
    assert cells == ["warm-up"] + [
        f"{memorization[kind]['warm-up']:.1f}" for kind in ("TP", "TN", "FN")
    ]
    assert "verdict" in section(page, "cards")


def test_finding_26_terms_times_and_intervals(trained):
    run, page = trained("ll-r", "--delta-rel", "10", "--record", "losses")
    result = json.loads((run / "result.json").read_text())
    glance = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    low, high = result["test_map_interval"]
    shown = glance["its 95 % bootstrap interval over the test images"]
    assert shown == f"{low:.1f} to {high:.1f} %"
    assert glance["the whole run, wall time"] == duration(result["wall_seconds"])
    header = page[: page.index("</header>")]
    for term in ("mAP, mean average precision:", "val, test:", "Δ: by so many percent"):
        assert term in header
    before, after = section(page, "memorization").split("<table", 1)
    for term in ("TP (true positives):", "TN (true negatives):", "FN (false negatives):"):
        assert term in before
        assert term not in after


def test_finding_26_there_are_no_empty_sections(trained):
    _, page = trained("an")
    for found in re.findall(r"<section.*?</section>", page, re.DOTALL):
        assert re.search("<(table|svg|li|pre)", found), found
    assert 'id="memorization"' not in page
    assert "Δ: " not in page[: page.index("</header>")]


def test_finding_26_all_flagged_entries_are_listed(trained):
    run, page = trained("ll-r", "--delta-rel", "10", "--record", "losses")
    data = json.loads(only(r'id="flagged-data">(.*?)</script>', page))
    last = json.loads((run / "analysis/corrections.json").read_text())["epochs"][-1]
    assert len(data["rows"]) == last["flagged"]
    losses = [loss for *_, loss, _ in data["rows"]]
    assert losses == sorted(losses, reverse=True)
    right = sum(data["verdicts"][verdict] == "missing tag" for *_, verdict in data["rows"])
    assert right / len(losses) == pytest.approx(last["precision"])
    script = only(r"<script>(.*?)</script>", page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_finding_26_wrongly_flagged_cards_are_shown_in_proportion():
    reference = np.zeros((40, 2), np.int8)
    reference[:10, 0] = 1  # the largest losses are right, as they are in practice
    places = np.array([(row, 0) for row in range(40)] + [(0, 1)])
    values = np.arange(41, 0, -1.0)
    chosen, losses = _in_proportion(places, values, reference)
    leads = {row: (row, column) for row, column in reversed(chosen.tolist())}
    states = [int(reference[place]) for place in leads.values()]
    assert (states.count(1), states.count(0)) == (3, 9)
    assert list(dict.fromkeys(chosen[:, 0].tolist())) == [0, 1, 2, *range(10, 19)]
    assert losses[0] == 41
    assert [0, 1] in chosen.tolist()  # other entries of the image follow


def test_training_counts_tell_hidden_tags(trained):
    run, _ = trained("an")
    counts = json.loads((run / "result.json").read_text())["train_counts"]
    full, _ = trained("full", out="full")
    whole = json.loads((full / "result.json").read_text())["train_counts"]
    for name, (present, _, unobserved, missing) in counts.items():
        assert present + missing == whole[name][0]
        assert missing <= unobserved


def test_what_was_not_recorded_is_said_and_the_rest_stands(trained):
    _, page = trained("an")
    assert "has no recorded losses" in section(page, "not-shown")
    assert "--record losses" in section(page, "not-shown")
    assert "Tags that are probably missing" in section(page, "cards")
    assert rows(section(page, "classes"))


def test_a_method_that_doubts_nothing(trained):
    _, page = trained("an", "--record", "losses")
    assert "flagged no entry" in section(page, "not-shown")
    assert "Naive AN" in rows(section(page, "memorization"))
    assert "largest losses" in section(page, "cards")


def test_nothing_is_unobserved(trained):
    _, page = trained("full", "--record", "losses", observe=False)
    assert "flagged no entry" in section(page, "not-shown")
    assert 'aria-labelledby="cards"' not in page


def test_labels_that_were_never_complete(trained, make_image_folder):
    folder = partial(make_image_folder)
    more = ("--delta-rel", "10", "--record", "losses")
    _, page = trained("ll-r", *more, data=folder, observe=False)
    assert "truth of no unobserved entry is known" in section(page, "not-shown")
    assert "not known here" in section(page, "corrections")
    assert "Losses of unobserved entries" in section(page, "corrections")
    assert "unknown" in section(page, "cards")

    _, page = trained("ll-r", *more, data=folder, out="hidden")  # presences alone are known
    phases = rows(section(page, "memorization"))["LL-R Δ 10 %"]
    assert phases[2] == "–"
    assert rows(section(page, "corrections"))["LL-R Δ 10 %"][1] == "–"


def partial(make_image_folder) -> Path:
    folder = make_image_folder()
    table = folder / "labels.csv"
    lines = table.read_text().splitlines()
    head = lines[0].split(",")
    skip = 2 if "split" in head else 1
    out = [lines[0]]
    for line in lines[1:]:
        cells = line.split(",")
        out.append(",".join(cells[:skip] + ["" if cell == "0" else cell for cell in cells[skip:]]))
    table.write_text("\n".join(out) + "\n")
    return folder


def test_images_that_are_gone(largeloss, trained, image_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(image_folder, copy)
    run, _ = trained("ll-r", "--record", "losses", data=copy)
    shutil.rmtree(copy)
    code, _, err = largeloss("report", run)
    assert code == 0, err
    page = (run / "report.html").read_text(encoding="utf-8")
    assert str(copy) in section(page, "not-shown")
    assert rows(section(page, "classes"))


def test_a_comparison_from_its_folder(largeloss, image_folder, tmp_path):
    out = tmp_path / "compared"
    code, _, err = largeloss(
        "compare", image_folder, *SMALL, "--methods", "full,an,ll-r:10", "--seeds", "2",
        "--record", "losses", "--out", out,
    )  # fmt: skip
    assert code == 0, err
    before = (out / "report.html").read_text(encoding="utf-8")
    code, _, err = largeloss("report", out, "--out", tmp_path / "again.html")
    assert code == 0, err
    page = (tmp_path / "again.html").read_text(encoding="utf-8")
    summary = json.loads((out / "results.json").read_text())["summary"]
    for text in (before, page):
        shown = rows(section(text, "comparison"))
        for line, title in zip(summary, ("Full labels", "Naive AN", "LL-R"), strict=True):
            cells = re.search(rf">{title}</th>.*?</tr>", section(text, "comparison"))
            assert cells
            assert f"{line['mean']:.1f} ± {line['std']:.1f}" in cells[0]
        assert set(shown) == {"Full labels", "Naive AN", "LL-R"}
        assert "mean over 2 seeds" in section(text, "classes")
        assert {"Naive AN", "LL-R Δ 10 %"} < set(rows(section(text, "memorization")))
    for name in ("memorization", "corrections", "cards", "classes", "labels", "curves"):
        assert section(before, name) == section(page, name)
    assert f"largeloss compare {image_folder}" in section(before, "command")


def test_what_is_no_run_is_refused(largeloss, tmp_path, trained):
    code, _, err = largeloss("report", tmp_path)
    assert code == 2
    assert "neither a run" in err
    run, _ = trained("an")
    (run / "result.json").unlink()
    code, _, err = largeloss("report", run)
    assert code == 2
    assert "is not finished" in err
    assert "--resume" in err


def test_a_lost_run_of_a_comparison_is_named(largeloss, image_folder, tmp_path):
    out = tmp_path / "compared"
    code, _, err = largeloss(
        "compare", image_folder, *SMALL, "--methods", "an", "--seeds", "1", "--out", out
    )
    assert code == 0, err
    shutil.rmtree(out / "an-seed0")
    code, _, err = largeloss("report", out)
    assert code == 2
    assert "an with seed 0" in err
    (out / "results.json").write_text("{")
    code, _, err = largeloss("report", out)
    assert code == 1
    assert "cannot be read" in err
