"""A trained network to be used: ``danet.load(run)(image)``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from danet.errors import CheckpointError, SettingsError
from danet.inference.photographs import as_rgb, enlarged, read_photograph, reduced
from danet.inference.prediction import predict_classes
from danet.labels import RELEASES, LabelMap, label_map
from danet.machine.arithmetic import flush_denormals
from danet.machine.device import chosen_device
from danet.models.network import SegmentationNetwork
from danet.runs.network_file import load_network
from danet.settings import Experiment, Plan, Protocol, load_plan

SCORES_AT_ONCE = 2**27
"""Scores of a photograph, pixels times classes, that are held at once: 512 MiB in float32."""
OVERLAY_PIXELS = 2**22
"""An overlay is for looking at: of a larger photograph it is reduced."""

Photograph = str | Path | Image.Image | np.ndarray
"""A file, a picture of Pillow's, or RGB pixels (H, W, 3) uint8."""


@dataclass(frozen=True)
class Prediction:
    """What a network sees in one photograph."""

    photograph: np.ndarray
    """(H, W, 3) uint8 RGB, upright."""
    classes: np.ndarray
    """(H, W) uint8: the index of the class of each pixel."""
    labels: LabelMap
    """Names and colours of the classes."""

    def shares(self) -> Mapping[str, float]:
        """Share of the pixels, 0 to 1, of each class that occurs, the largest first."""
        counts = np.bincount(self.classes.ravel(), minlength=len(self.labels.names)) / self.classes.size
        order = np.argsort(-counts, kind="stable")
        return {self.labels.names[index]: float(counts[index]) for index in order if counts[index] > 0}

    def palette_image(self) -> Image.Image:
        """A picture whose values are the class indices, with the data set's colours as its palette."""
        picture = Image.fromarray(self.classes)
        picture.putpalette(self.labels.colours.tobytes())
        return picture

    def overlay(self, strength: float = 0.55) -> Image.Image:
        """The photograph under the colours of its classes.

        Args:
            strength: share of the colours, 0 to 1.
        """
        photograph = reduced(self.photograph, OVERLAY_PIXELS)
        colours = self.labels.colours[enlarged(self.classes, photograph.shape[:2])]
        return Image.blend(Image.fromarray(photograph), Image.fromarray(colours), strength)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of a run, its classes, and how it looks at whole images."""

    network: SegmentationNetwork
    """In evaluation mode, on the GPU where there is one."""
    experiment: Experiment
    """The settings that it was trained with."""
    protocol: Protocol
    """Scales, flip, fusion and window."""
    labels: LabelMap

    def __call__(self, photograph: Photograph) -> Prediction:
        """Name the class of every pixel.

        A photograph of so many pixels that their scores would not fit is looked at in a smaller version.

        Raises:
            MissingDataError, BadDataError, StorageError: the file is missing or cannot be read.
        """
        pixels = as_pixels(photograph)
        working = reduced(pixels, SCORES_AT_ONCE // len(self.labels.names))
        classes = predict_classes(self.network, working, self.protocol)
        return Prediction(pixels, enlarged(classes, pixels.shape[:2]), self.labels)


def as_pixels(photograph: Photograph) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8 of whatever is taken for a photograph.

    Raises:
        ValueError: an array of another shape or type.
    """
    if isinstance(photograph, Image.Image):
        return as_rgb(photograph)
    if isinstance(photograph, np.ndarray):
        if photograph.dtype != np.uint8 or photograph.ndim != 3 or photograph.shape[2] != 3:
            raise ValueError(f"not (H, W, 3) uint8 but {photograph.shape} {photograph.dtype}")
        return photograph
    return read_photograph(Path(photograph))


def load(run: str | Path, protocol: str = "ss") -> TrainedNetwork:
    """Open a trained network, with its settings and the names of its classes.

    Args:
        run: a run's folder, or its final.pth; or an experiment of the params.yaml in the current folder,
            whose first seed is taken.
        protocol: how it looks at images, a name of the experiment's protocols; ``ss`` or ``ms``.

    Raises:
        CheckpointError: it has not been trained, its file is damaged, or its classes are not known.
        SettingsError: there is no such experiment or protocol.
    """
    if is_place(run):
        place = Path(run)
        return open_file(place if place.suffix == ".pth" else place / "final.pth", protocol)
    plan = load_plan()
    return open_run(plan, str(run), plan.seeds[0], protocol)


def is_place(run: str | Path) -> bool:
    """Whether a run is named by where it lies, and not by its experiment."""
    place = Path(run)
    return len(place.parts) > 1 or place.suffix == ".pth" or place.is_dir()


def open_run(plan: Plan, experiment_id: str, seed: int, protocol: str) -> TrainedNetwork:
    """Open the network of an experiment of ``plan``; errors as of :func:`load`."""
    experiment = plan.experiment(experiment_id)
    train = f"danet train --experiment {experiment.id} --seed {seed} {plan.options}"
    file = plan.paths.run(experiment.id, seed).final
    network, trained = load_network(file, train)
    if trained.id != experiment.id:
        raise CheckpointError(f"{file} holds the network of {trained.id}, not of {experiment.id}", train)
    labels = plan.dataset(trained.dataset).labels
    return _ready(file, network, trained, experiment.protocol(protocol), labels)


def open_file(file: Path, protocol: str) -> TrainedNetwork:
    """Open a final.pth wherever it lies; errors as of :func:`load`."""
    network, trained = load_network(file, "name a run's folder, or its final.pth")
    return _ready(file, network, trained, trained.protocol(protocol), _labels(file, trained))


def _labels(file: Path, trained: Experiment) -> LabelMap:
    if trained.dataset in RELEASES:
        return label_map(trained.dataset, background=trained.model.classes == 60)
    try:
        return load_plan().dataset(trained.dataset).labels
    except SettingsError as error:
        raise CheckpointError(
            f"{file}: the classes of {trained.dataset} are in its params.yaml alone: {error.problem}",
            "run this in the folder of that params.yaml",
        ) from None


def _ready(
    file: Path, network: SegmentationNetwork, trained: Experiment, protocol: Protocol, labels: LabelMap
) -> TrainedNetwork:
    if trained.model.classes != len(labels.names):
        raise CheckpointError(
            f"{file} has {trained.model.classes} classes; {labels.dataset} has {len(labels.names)} here",
            "use the recipe, or the list of classes, that it was trained with",
        )
    flush_denormals()
    return TrainedNetwork(network.to(chosen_device()), trained, protocol, labels)
