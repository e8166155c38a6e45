"""COCO Stuff: versions by the class names in each annotation."""

import numpy as np
import pytest
from scipy.io import savemat

from danet.data.releases.samples import find_samples, read_sample
from danet.errors import BadDataError
from danet.labels import raw_value


@pytest.fixture
def dataset(release):
    return release("coco_stuff")


@pytest.mark.parametrize("unlabeled", [True, False])
def test_another_version_is_recognised_by_its_names(dataset, unlabeled, tree):
    """Version 1.0 has things from index 2 on, and none of those that are never annotated."""
    sample = find_samples(dataset, tree("coco_stuff"), "val")[0]
    names = np.array(["unlabeled", *dataset.labels.names][not unlabeled :], object)
    savemat(sample.label, {"S": np.ones((48, 64)), "names": names[:, None]}, do_compression=True)
    with pytest.raises(BadDataError, match=r"should stand for '.*', but .*\n.*cocostuff-10k-v1\.1"):
        read_sample(dataset, sample)


def test_names_may_leave_out_unlabeled(dataset, tree):
    sample = find_samples(dataset, tree("coco_stuff"), "val")[0]
    names = np.full((182, 1), "never annotated", object)
    for name in dataset.labels.names:
        names[raw_value("coco_stuff", name) - 1] = name
    savemat(sample.label, {"S": np.full((48, 64), 182.0), "names": names}, do_compression=True)
    assert (read_sample(dataset, sample)[1] == 170).all()
