"""The labels of PASCAL Context as the one JSON file that the detail-api reads, from generated labels."""

import json

import numpy as np

from danet.data.releases.run_lengths import EncodedRegion, encode
from danet.labels import label_map, raw_value

CATEGORIES = 459


def image_entry(name: str, split: str, label: np.ndarray) -> bytes:
    """The file's entry on one image: its line, and a region for each value of its (H, W) label.

    The first region covers the whole image and the others are painted over it, so their order matters.
    """
    height, width = label.shape
    image = {
        "image_id": int(name.replace("_", "")),
        "file_name": f"{name}.jpg",
        "height": height,
        "width": width,
        "phase": split,
        "date_captured": "1-1-2008",
    }
    first, *others = np.unique(label).tolist()
    regions = [encode(np.ones_like(label, bool), first), *(encode(label == value, value) for value in others)]
    annotations = [_annotation(image["image_id"], region) for region in regions]
    return json.dumps({"image": image, "annotations": annotations}).encode()


def document(entries: list[bytes]) -> bytes:
    """The whole file from the entries of its images."""
    images = [json.loads(entry) for entry in entries]
    annotations = [annotation for image in images for annotation in image["annotations"]]
    content = {
        "info": {"description": "Generated scenes; no photograph is among them."},
        "images": [image["image"] for image in images],
        "annos_segmentation": [
            {"id": number} | annotation for number, annotation in enumerate(annotations, start=1)
        ],
        "annos_occlusion": [],
        "annos_boundary": [],
        "annos_joints": [],
        "categories": _categories(),
        "parts": [],
    }
    return json.dumps(content).encode()


def _annotation(image_id: int, region: EncodedRegion) -> dict[str, object]:
    return {
        "image_id": image_id,
        "category_id": region.category,
        "segmentation": {"size": [region.height, region.width], "counts": region.counts},
        "area": region.area,
        "iscrowd": 0,
        "parts": [],
    }


def _categories() -> list[dict[str, object]]:
    names = {
        raw_value("pascal_context", name): name
        for name in label_map("pascal_context", background=False).names
    }
    return [
        {"category_id": value, "name": names.get(value, f"class {value}"), "onlysemantic": 0, "parts": []}
        for value in range(1, CATEGORIES + 1)
    ]
