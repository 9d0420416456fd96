"""The pointing game on COCO photographs, beside a loop over the owners' own annotations."""

import json

import numpy as np
import torch

from largeloss.analysis.pointing import pointing
from largeloss.data.importers import coco
from largeloss.data.inputs.image_files import ImageFiles, image_size
from largeloss.data.inputs.loader import Batch
from largeloss.models import build_classifier

SIZE = 96


def test_hits_are_those_of_the_owners_boxes(real_data):
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
        Batch(files.read(part, [False] * len(part)), labels[part], torch.from_numpy(rows[part]))
        for part in np.array_split(np.arange(len(rows)), 5)
    ]
    path = {int(row): files.paths[place] for place, row in enumerate(rows)}
    game = pointing(
        model,
        batches,
        np.arange(len(names)),
        names,
        found.boxes,
        lambda row: image_size(path[row]),
    )

    said = json.loads((root / "annotations/instances_val2017.json").read_text())
    called = {category["id"]: category["name"] for category in said["categories"]}
    hits, misses, left_out = dict.fromkeys(names, 0), dict.fromkeys(names, 0), 0
    for image in said["images"]:
        file = root / "val2017" / image["file_name"]
        pixels = ImageFiles((file,), SIZE).read([0], [False])
        with torch.no_grad():
            features = model.backbone.forward_features(pixels / 127.5 - 1)[0]
        things = [thing for thing in said["annotations"] if thing["image_id"] == image["id"]]
        for category in {thing["category_id"] for thing in things}:
            name = called[category]
            weight = model.head.weight[names.index(name)].detach()
            own = (features * weight[:, None, None]).sum(dim=0)[None, None]
            shape = (image["height"], image["width"])
            large = torch.nn.functional.interpolate(own, shape, mode="bilinear")[0, 0].numpy()
            row, column = np.argwhere(np.isclose(large, large.max(), rtol=5e-7, atol=0)).mean(
                axis=0
            )
            inside, easy = [], []
            for thing in things:
                if thing["category_id"] != category:
                    continue
                easy.append(not thing["iscrowd"])
                left, top, width, height = thing["bbox"]
                if 0 < column + 0.5 - left < width and 0 < row + 0.5 - top < height:
                    inside.append(not thing["iscrowd"])
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
