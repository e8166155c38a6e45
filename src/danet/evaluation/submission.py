"""The zip for the Cityscapes server: predictions of the test images under their official ids and names.

Input: the test images of the release, and a trained network. Output:
results/<profile>/<recipe>/submission/cityscapes_test.zip.
"""

import shutil
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from danet.data.obtaining.ways import current_receipt
from danet.data.releases.pictures import image_size, read_image
from danet.data.releases.samples import find_samples
from danet.errors import BadDataError, CheckpointError, MissingDataError, SettingsError
from danet.evaluation.submission_check import TestSet, check_submission, evaluated_ids
from danet.files import digest, file_digest, replacing
from danet.inference.prediction import predict_classes
from danet.inference.trained import open_run
from danet.progress import ProgressLine
from danet.runs.config import differing_facts
from danet.settings import Dataset, Plan

DATASET = "cityscapes"


def write_submission(plan: Plan, experiment_id: str, seed: int, protocol: str) -> Path:
    """Predict the test images and pack the predictions; an interrupted call is gone on with.

    Raises:
        CheckpointError: the network has not been trained, or with other settings.
        MissingDataError: the images have not been downloaded, or have no test split.
        SettingsError: the experiment reads another data set.
        BadDataError: an image does not decode, or the finished zip fails its check.
        StorageError: the disk is full or cannot be written to.
    """
    experiment = plan.experiment(experiment_id)
    if experiment.dataset != DATASET:
        raise SettingsError(
            f"{experiment_id} is trained on {experiment.dataset} under the profile {plan.profile}; the server"
            " scores Cityscapes",
            "choose a profile with Cityscapes, such as --profile paper",
        )
    trained = open_run(plan, experiment_id, seed, protocol)
    if lines := differing_facts(trained.experiment, experiment):
        raise CheckpointError(
            "\n  ".join([f"{experiment_id} was trained with other settings:", *lines]),
            f"danet train --experiment {experiment_id} --seed {seed} {plan.options}",
        )
    samples = find_test_samples(plan.dataset(DATASET))
    target = plan.paths.submission
    network = file_digest(plan.paths.run(experiment_id, seed).final)
    folder = target.parent / f".predictions-{digest([network, trained.protocol.model_dump(mode='json')])}"
    ids = evaluated_ids()
    with ProgressLine(f"submission of {experiment_id} seed {seed}", len(samples), "images") as progress:
        for name, image in samples.items():
            prediction = folder / f"{name}_pred.png"
            if not prediction.exists():
                classes = predict_classes(trained.network, np.array(read_image(image)), trained.protocol)
                with replacing(prediction) as temporary:
                    Image.fromarray(ids[classes]).save(temporary)
            progress.advance()
    with replacing(target) as temporary:
        # PNG is compressed already.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in samples:
                archive.write(folder / f"{name}_pred.png", f"{name}_pred.png")
        if faults := check_submission(temporary, covering(samples)):
            raise BadDataError("\n  ".join([f"{target}: not written, the server would refuse it:", *faults]))
    shutil.rmtree(folder)
    return target


def known_test_set(plan: Plan) -> TestSet | None:
    """The test images that this plan has downloaded; None where it has none."""
    dataset = plan.dataset(DATASET)
    if not dataset.paths.receipt.exists():
        return None
    try:
        return covering(find_test_samples(dataset))
    except MissingDataError:
        return None


def find_test_samples(dataset: Dataset) -> dict[str, Path]:
    """The test images by name, ``<city>_<sequence>_<frame>``.

    Raises:
        MissingDataError: they have not been downloaded, or the copy has none.
    """
    root = Path(current_receipt(dataset).root)
    try:
        samples = find_samples(dataset, root, "test")
    except MissingDataError as error:
        raise MissingDataError(
            error.problem, "the test images are in leftImg8bit_trainvaltest.zip, below leftImg8bit/test"
        ) from None
    return {sample.name: sample.image for sample in samples}


def covering(samples: dict[str, Path]) -> TestSet:
    """What a submission of these images has to cover."""
    cities = [name.partition("_")[0] for name in samples]
    sizes = {image_size(image) for image in samples.values()}
    if len(sizes) != 1:
        raise BadDataError(f"the test images have {len(sizes)} sizes", f"danet check --dataset {DATASET}")
    return TestSet(sizes.pop(), {city: cities.count(city) for city in cities}, frozenset(samples))
