"""Studies keep what a command prints outside of the folder that it writes to."""

import runpy
from pathlib import Path

RUN = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/logged.py"))["run_logged"]


def test_a_comparison_finds_its_folder_as_it_needs_it(tmp_path):
    out = tmp_path / "results" / "both"
    for _ in range(2):  # the same command goes on
        RUN(
            "largeloss compare --preset digits --set data.train_share=0.02 --epochs 1 "
            f"--methods an --seeds 1 --out {out}",
            out,
        )
    assert (out / "results.json").is_file()
    assert "is finished" in out.with_name("both.log").read_text(encoding="utf-8")
    assert sorted(path.name for path in out.parent.iterdir()) == ["both", "both.log"]
