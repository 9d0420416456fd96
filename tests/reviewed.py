"""Data of a small run for tests of the review, with names of somebody who means harm."""

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

from largeloss.labels import LabelTable, write_labels
from largeloss.review.app import make_app
from largeloss.review.guard import Guard
from largeloss.review.session import Review

CLASSES = ("cat", "<img src=x onerror=alert(1)>", "dog")
ODD = 'images/"quoted" & new\nline.png'
SMALL = (
    "--method", "an", "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size",
    "8", "--lr", "1e-3", "--workers", "0", "--set", "training.stop_below=null",
)  # fmt: skip
ORIGIN = {"Origin": "http://testserver"}


def write_data(root):
    """Forty images with a bright third for each class that they show; most labels are blank.

    Returns:
        (40, 3): the truth.
    """
    stream = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    truth = stream.integers(0, 2, (40, 3))
    names = [ODD if row == 7 else f"images/{row:02d}.png" for row in range(40)]
    for name, shown in zip(names, truth, strict=True):
        pixels = np.repeat(shown * 200, 8).astype(np.uint8)[None, :, None].repeat(16, 0)
        Image.fromarray(pixels.repeat(3, 2)).save(root / name)
    given = truth.copy()
    given[:30][stream.random((30, 3)) < 0.7] = -1
    splits = ["train"] * 30 + ["val", "test"] * 5
    write_labels(
        root / "labels.parquet", LabelTable.from_dense(given, names, CLASSES), splits=splits
    )
    return truth


def client_of(review: Review) -> TestClient:
    """Asks the review as a browser does, without a socket."""
    guarded = Guard(make_app(review), ["testserver"])
    return TestClient(guarded, raise_server_exceptions=False)


def post(client, route, **body):
    return client.post(f"/api/{route}", json=body, headers=ORIGIN)


def answer(client, rows, word, *, column=0, reviewer="ann", mode="suggestions"):
    said = [{"row": row, "column": column, "answer": word} for row in rows]
    return post(client, "answers", reviewer=reviewer, mode=mode, answers=said)


def entries(client, column=0, **query):
    return client.get("/api/entries", params={"column": column, **query}).json()
