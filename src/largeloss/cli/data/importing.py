"""What is said and done on the way from the owners' files to a data folder."""

from pathlib import Path

import torch

from largeloss.cli.console import note, say
from largeloss.cli.console import out as console
from largeloss.cli.data.show import in_order, split_table
from largeloss.data.dataset import Dataset
from largeloss.data.examine.split_counts import count_splits
from largeloss.data.examine.unusable_images import find_unusable
from largeloss.data.folder.write import Extras, write_folder
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.leaving_out import leave_out
from largeloss.data.inputs.source import LabelsOnly
from largeloss.data.protocol import single_positive_hash, val_hash
from largeloss.errors import DataError


def sizes(imported: Imported) -> str:
    """Sizes beside the published ones, in a sentence."""
    found = {name: len(rows) for name, rows in imported.splits.items()}
    found["classes"] = imported.table.num_classes
    parts = []
    for name, size in found.items():
        wanted = imported.published.get(name)
        parts.append(f"{size:,} {name}" + ("" if wanted is None else f" (published: {wanted:,})"))
    differ = [name for name, size in imported.published.items() if found.get(name) != size]
    end = f" Different from the published: {', '.join(differ)}." if differ else ""
    return f"{imported.name}: {', '.join(parts)}.{end}"


def with_usable_images(
    imported: Imported, *, skip: bool, decode: bool, follow_symlinks: bool, workers: int
) -> Imported:
    """``imported`` after a look at every image.

    Raises:
        DataError: images are missing or cannot be read, unless ``skip`` says to leave them out.
    """
    if imported.image_root is None:
        return imported
    images = imported.table.images
    say(f"Looking at {len(images):,} images in {imported.image_root} …")
    unusable = find_unusable(
        images,
        imported.image_root,
        decode=decode,
        follow_symlinks=follow_symlinks,
        workers=workers,
    )
    if not unusable.rows:
        return imported
    words = unusable.in_words(images)
    if not skip:
        raise DataError(
            f"{words}\nMend them, leave them out with --bad-images skip, or take the labels alone "
            "with --no-images. Nothing was written."
        )
    return leave_out(imported, unusable.rows, f"{words}\nThey are left out.")


def write(imported: Imported, out: Path) -> None:
    """Writes the data folder ``out`` and says what is in it.

    Raises:
        ConfigError: ``out`` is not free or cannot be written.
        DataError: there are no training images.
        LabelError: names that a label file cannot hold.
    """
    inputs = LabelsOnly(imported.table.num_images)
    dataset = Dataset(
        imported.name, inputs, imported.table, imported.splits, imported.notes
    ).with_splits()
    dataset = in_order(dataset)
    record = _record(imported)
    features = None if imported.features is None else torch.from_numpy(imported.features)
    extras = Extras(imported.image_root, features, imported.boxes, imported.published, record)
    write_folder(out, dataset, extras)
    for text in dataset.notes:
        note(text)
    console.print(split_table(count_splits(dataset.labels, dataset.splits)))
    if record:
        said = ", ".join(f"{title.replace('_', ' ')} {value}" for title, value in record.items())
        say(f"For the record (SHA-256, first 16 digits): {said}.")
    say(f"Written: {out}   Next: largeloss data check {out}")


def _record(imported: Imported) -> dict[str, str]:
    """Hashes of what the published protocol draws, where it applies."""
    if "test" not in imported.splits or "train" not in imported.splits or "val" in imported.splits:
        return {}
    train = imported.splits["train"]
    kept = single_positive_hash(imported.table.select(train))
    return {"val_rows": val_hash(len(train))} | ({"single_positives": kept} if kept else {})
