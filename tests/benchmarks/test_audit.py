"""What ``make audit`` says of what pip-audit found, and of what it could not look up."""

import runpy
from pathlib import Path

import pytest

SUMMARY = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/audit.py"))["summary"]

FINE = {"name": "numpy", "version": "2.4", "vulns": []}
BAD = {
    "name": "pillow",
    "version": "9.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI: torch (2.15)"}
OURS = {"name": "largeloss", "skip_reason": "distribution marked as editable"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([FINE, OURS], 0, "1 of 1 packages were audited, 0 are vulnerable."),
        ([FINE, BAD], 1, "pillow 9.0: PYSEC-1, mended in 9.1\npillow 9.0: PYSEC-2\n2 of 2"),
        ([FINE, UNKNOWN], 2, "1 could not be audited, and nothing is known of them"),
        ([UNKNOWN, BAD], 1, "1 of 2 packages were audited, 1 are vulnerable."),
        ([], 2, "0 of 0"),
    ],
)
def test_what_was_and_was_not_audited(packages, code, said):
    text, found = SUMMARY(packages)
    assert found == code
    assert said in text
