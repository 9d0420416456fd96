"""MLflow with a local store: it holds what the run folder holds. By make test-tracking."""

import json
from pathlib import Path

import pytest
from run_folders import Noting, asking, copied, interrupted, trained_to

from largeloss.runs.result import RunResult
from largeloss.runs.tracking import tracked

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def followed(small_run, tmp_path) -> Path:
    return copied(small_run, tmp_path)


@pytest.fixture
def listener() -> Noting:
    return Noting()


@pytest.fixture(autouse=True)
def local(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    mlflow.set_tracking_uri(store)


def test_a_run_that_is_resumed_is_one_run_with_each_epoch_once(followed, listener, tmp_path):
    client = mlflow.MlflowClient()
    result = (followed / "result.json").rename(tmp_path / "result.json")
    trained_to(followed, 2)
    interrupted(followed, "mlflow", listener, "it's", epochs=3)
    name = json.loads((followed / "tracking.json").read_text())["mlflow"]["run"]
    assert client.get_run(name).info.status == "KILLED"
    result.rename(followed / "result.json")
    trained_to(followed, 4)
    with mlflow.start_run(), tracked(asking(followed, "mlflow"), followed, listener, "it's"):
        pass  # within a run of the user's
    assert not listener.remarks
    found, run = client.get_run(name), RunResult.read(followed)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "followed"
    assert client.get_experiment(found.info.experiment_id).name == "its"
    assert found.data.params["training.epochs"] == "1"
    for metric in ("val_map", "train_loss"):
        assert [one.step for one in client.get_metric_history(name, metric)] == [0, 1, 2, 3]
    assert found.data.metrics["result/test_map"] == pytest.approx(run.test_map)
    assert found.data.metrics["test_ap/red"] == pytest.approx(100 * run.test_ap["red"])
    files = {file.path for file in client.list_artifacts(name)}
    assert files >= {"best", "report.html", "config.yaml", "result.json"}
    assert {file.path for file in client.list_artifacts(name, "best")} == {
        "best/model.safetensors", "best/config.json",
    }  # fmt: skip
    assert "mlflow ui --backend-store-uri sqlite" in listener.messages[0]
