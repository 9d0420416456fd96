"""The pointing game on COCO photographs, against a loop over the official annotations."""

import json
from typing import Any, cast

import numpy as np
import torch

from largeloss.analysis.pointing import pointing
from largeloss.data.importers import coco
from largeloss.data.inputs.image_files import ImageFiles, image_size
from largeloss.data.inputs.loader import Batch
from largeloss.models import build_classifier

SIZE = 96


def test_hits_are_those_of_the_official_boxes(real_data):
    root = real_data / "coco-mini"
    found = coco.read(root, 2017)
    rows = found.splits["test"]
    names = found.table.classes
    torch.manual_seed(0)
    model = build_classifier(
        "mobilenetv2_100",
        len(names),
        (3, SIZE, SIZE),
        backbone_args={"pad_type": "same"},
        weights=real_data / "weights/mobilenetv2_100-imagenet.safetensors",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ).eval()
    torch.nn.init.normal_(model.head.weight)
    files = ImageFiles(tuple(root / found.table.images[row] for row in rows), SIZE)
    labels = torch.from_numpy(found.table.lookup(rows))
    batches = [
        Batch(
            files.read(part.tolist(), [False] * len(part)),
            labels[part],
            torch.from_numpy(rows[part]),
        )
        for part in np.array_split(np.arange(len(rows)), 5)
    ]
    path = {int(row): files.paths[place] for place, row in enumerate(rows)}
    boxes, backbone = found.boxes, cast(Any, model.backbone)
    assert boxes is not None
    game = pointing(
        model,
        batches,
        np.arange(len(names)),
        names,
        boxes,
        lambda row: image_size(path[row]),
    )

    content = json.loads((root / "annotations/instances_val2017.json").read_text())
    name_of = {category["id"]: category["name"] for category in content["categories"]}
    hits, misses, left_out = dict.fromkeys(names, 0), dict.fromkeys(names, 0), 0
    for image in content["images"]:
        file = root / "val2017" / image["file_name"]
        pixels = ImageFiles((file,), SIZE).read([0], [False])
        with torch.no_grad():
            features = backbone.forward_features(pixels / 127.5 - 1)[0]
        objects = [item for item in content["annotations"] if item["image_id"] == image["id"]]
        for category in {item["category_id"] for item in objects}:
            name = name_of[category]
            weight = model.head.weight[names.index(name)].detach()
            own = (features * weight[:, None, None]).sum(dim=0)[None, None]
            shape = (image["height"], image["width"])
            large = torch.nn.functional.interpolate(own, shape, mode="bilinear")[0, 0].numpy()
            row, column = np.argwhere(np.isclose(large, large.max(), rtol=5e-7, atol=0)).mean(
                axis=0
            )
            inside, easy = [], []
            for item in objects:
                if item["category_id"] != category:
                    continue
                easy.append(not item["iscrowd"])
                left, top, width, height = item["bbox"]
                if 0 < column + 0.5 - left < width and 0 < row + 0.5 - top < height:
                    inside.append(not item["iscrowd"])
            if any(inside):
                hits[name] += 1
            elif inside or not any(easy):
                left_out += 1
            else:
                misses[name] += 1
    assert dict(zip(names, game.hits.tolist(), strict=True)) == hits
    assert dict(zip(names, game.misses.tolist(), strict=True)) == misses
    assert game.num_difficult == left_out
    assert game.num_without_box == 0
    assert game.hits.sum() > 20
    assert game.misses.sum() > 20
