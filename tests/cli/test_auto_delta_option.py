"""``--delta-rel auto`` and ``--missing``, as they are typed: what is told, kept and refused."""

import json

import pytest

from largeloss.labels.audit import Audit, Audited, write_audit

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--batch-size", "6", "--lr", "1e-3", "--workers",
    "0", "--observe", "single-positive", "--epochs", "3",
]  # fmt: skip
AUTO = ["--method", "ll-r", "--delta-rel", "auto"]


@pytest.fixture
def trained(largeloss, image_folder, tmp_path):
    def train(*options, out="run"):
        return largeloss("train", image_folder, *SMALL, *options, "--out", tmp_path / out)

    return train


def audited(path, classes=("red", "blue"), answered=4):
    """The audit of two classes: one of four sampled entries of each is missing."""
    share = 0.25 if answered else None
    one = Audited(10, 4, answered, 1 if answered else 0, 0, share, 0.05, 0.6)
    write_audit(path, Audit(classes, (one,) * len(classes), one))
    return path


def test_the_run_tells_what_was_estimated(trained, tmp_path, largeloss):
    code, _, err = trained(*AUTO)
    assert code == 0, err
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["delta_rel"] == "auto"
    assert set(result["estimated"]) == {"missing_percent", "flagged_percent"}
    told = [note for note in result["notes"] if note.startswith("Δ auto: ")]
    assert len(told) == 1
    assert f"Δ auto: {result['estimated']['missing_percent']:.1f} % of the unobserved" in told[0]
    assert "Δ auto" in " ".join(err.split())
    page = (tmp_path / "run/report.html").read_text()
    assert "LL-R Δ auto" in page
    assert "auto: chosen by how many tags" in page
    assert "delta_rel: auto" in (tmp_path / "run/config.yaml").read_text()


def test_variants_of_a_comparison(largeloss, image_folder, tmp_path):
    methods = "an,ll-r:auto,ll-r:0.5"
    arguments = [image_folder, *SMALL, "--missing", "20", "--methods", methods, "--seeds", "1"]
    code, out, err = largeloss("compare", *arguments, "--out", tmp_path / "both")
    assert code == 0, err
    assert "auto" in out
    runs = json.loads((tmp_path / "both/results.json").read_text())["runs"]
    assert [run["delta_rel"] for run in runs] == [None, "auto", 0.5]
    kept = json.loads((tmp_path / "both/ll-r-auto-seed0/result.json").read_text())
    assert kept["estimated"]["missing_percent"] == 20
    code, out, err = largeloss("compare", *arguments, "--out", tmp_path / "both")
    assert code == 0, err


def test_an_audit_decides(trained, tmp_path):
    path = audited(tmp_path / "audit.json")
    code, _, err = trained(*AUTO, "--missing", path)
    assert code == 0, err
    told = " ".join(err.split())
    assert "25.0 % of the unobserved entries are present (5.0 to 60.0 % in 95 of 100" in told
    assert "When the audit was drawn, 20 entries of its classes were unobserved; now" in told
    estimated = json.loads((tmp_path / "run/result.json").read_text())["estimated"]
    assert estimated["missing_percent"] == 25
    assert estimated["flagged_percent"] < 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--delta-rel", "aut"], "method.delta_rel: Input should be 'auto' or Input should be a"),
        (["--delta-rel", "101"], "less than or equal to 100, got '101'"),
        (["--method", "an", "--delta-rel", "auto"], "delta_rel is no setting of an"),
        (["--delta-rel", "0.5", "--missing", "3"], "missing is of delta_rel='auto'"),
        (["--delta-rel", "auto", "--missing", "101"], "neither a number from 0 to 100 nor a file"),
        (["--delta-rel", "auto", "--missing", "."], "cannot be read"),
        (["--delta-rel", "auto", "--set", "method.rate_base=unobserved"], "leave out rate_base"),
    ],
)
def test_what_cannot_be_is_refused(trained, tmp_path, options, message):
    code, out, err = trained(*options)
    assert code == 2
    assert message in " ".join(err.split())
    assert "Traceback" not in out + err
    assert not (tmp_path / "run").exists()


def test_an_audit_that_cannot_be_used_is_refused(trained, tmp_path):
    path = audited(tmp_path / "audit.json")
    content = path.read_text()
    damaged = [content.replace("0.25", "0.35"), content[:-40], ""]
    for text in damaged:
        path.write_text(text)
        code, _, err = trained(*AUTO, "--missing", path)
        assert code == 2
        assert "cannot be read" in err
    audited(tmp_path / "others.json", ("red", "green"))
    audited(tmp_path / "unanswered.json", answered=0)
    for other, message in (
        ("others.json", "it has green; it lacks blue"),
        ("unanswered.json", "no answer yet"),
    ):
        code, _, err = trained(*AUTO, "--missing", tmp_path / other)
        assert code == 2
        assert message in " ".join(err.split())
    assert not (tmp_path / "run").exists()


def test_an_entry_at_least_is_said_where_delta_is_less(trained):
    code, _, err = trained("--delta-rel", "0.5", "--epochs", "1")
    assert code == 0, err
    told = " ".join(err.split())
    assert "Δ 0.5 % of a batch's 12 entries is 0.06 of an entry, which is rounded up to 1: " in told
    assert "8.3 % are flagged at least. To keep to Δ, a batch needs 100 images, and" in told
    assert "and there are 18 to train on: no --batch-size keeps to it." in told
    code, _, err = trained("--delta-rel", "4", "--epochs", "1", out="other")
    assert "From a batch of 13 images on, Δ is kept to (--batch-size 13)." in " ".join(err.split())


def test_too_few_epochs_are_said(trained):
    code, _, err = trained(*AUTO, "--epochs", "1")
    assert code == 0, err
    assert "Δ auto flags nothing before epoch 1, the first being 0; of 1 in all, none is left" in (
        " ".join(err.split())
    )
