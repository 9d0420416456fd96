"""Hiding labels simulates what is missing; where some are missing already, the run says so."""

from largeloss.config import make_config
from largeloss.data import digits
from largeloss.runs.data import RunData, with_hidden_labels
from largeloss.runs.settings_checks import hiding_remarks

SIZES = {"train": 12, "val": 6, "test": 6}


def test_hiding_labels_of_incomplete_ones_is_remarked_on() -> None:
    settings = make_config([{"data": {"observe": "single-positive"}}])
    complete = digits.read(sizes=SIZES)
    assert hiding_remarks(settings, with_hidden_labels(settings, complete)) == []
    corrected = complete.observed("positives=2,negatives=1")
    data = with_hidden_labels(settings, corrected)
    train = corrected.labels.select(corrected.rows("train"))
    (said,) = hiding_remarks(settings, data)
    assert f"hides {train.num_observed - 12:,} more of {train.num_observed:,}" in said
    assert "--set data.observe=null" in said
    tagged = complete.observed("single-positive")
    assert hiding_remarks(settings, with_hidden_labels(settings, tagged)) == []
    assert hiding_remarks(make_config([]), RunData(corrected, corrected)) == []
