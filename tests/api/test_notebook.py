"""The Python API in a notebook: train, look, predict, compare, a mistake, Ctrl-C, resume."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = """
import largeloss
small = dict(backbone="digits", image_size=16, batch_size=4, lr=1e-3, workers=0,
             observe="single-positive")
run = largeloss.train("images", out="run", epochs=2, **small)
run
"""
PREDICT = """
model = largeloss.load("run")
for prediction in model.predict("images"):
    print(prediction.image, ", ".join(prediction.tags) or "no tag")
run.plot_curves()
"""
COMPARE = """
largeloss.compare("images", methods=["an", "ll-r:5"], seeds=1, out="both", epochs=1, **small)
"""
MISTAKE = 'largeloss.train("images", out="other", epoch=2, **small)'
LONG = """
many = dict(epochs=200, checkpoint_every=1, stop_below=None, **small)
largeloss.train("images", out="cut", **many)
"""
RESUME = """
run = largeloss.train(out="cut", resume=True)
print("epochs", len(run.curves["val"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kernels are interrupted by a signal")
def test_a_notebook_from_training_to_resuming(image_folder, tmp_path):
    script = Path(__file__).with_name("notebook_cells.py")
    cells = [
        {"code": code, "interrupt": "cut/last/state.pt" if code == LONG else None}
        for code in (TRAIN, PREDICT, COMPARE, MISTAKE, LONG, RESUME)
    ]
    own = {"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | own,
    )
    assert result.returncode == 0, result.stderr
    trained, predicted, compared, mistaken, stopped, resumed = json.loads(result.stdout)

    assert trained["status"] == "ok", trained
    assert trained["text"].count("  val mAP ") == 2
    assert "<progress" in trained["html"]
    assert "IProgress" not in trained["text"]
    assert trained["places"] == 2  # of all bars, and of the run's table
    assert "<td>red</td>" in trained["html"]

    assert predicted["status"] == "ok", predicted
    assert len(predicted["text"].splitlines()) == 30
    assert predicted["images"] == 1

    assert compared["status"] == "ok", compared
    assert "<td>LL-R</td>" in compared["html"]

    ((name, message),) = mistaken["error"]
    assert name == "ConfigError"
    assert "did you mean 'epochs'" in message

    ((name, message),) = stopped["error"]
    assert name == "Interrupted"
    assert "The last step is saved" in message

    assert resumed["status"] == "ok", resumed
    assert "epochs 200" in resumed["text"]
