"""Classes of a data set of the user's own: one a line of a text file."""

import numpy as np
import pytest

from danet.errors import BadDataError, MissingDataError
from danet.labels import IGNORED, own_indices, own_label_map


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "classes.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "road,128,64,128\nsky, 0,0,255\ntraffic light,255,0,0\n",
        b"\xef\xbb\xbfroad,128,64,128\r\n\r\nsky,0,0,255\r\n  traffic light , 255 , 0 , 0",
    ],
)
def test_names_and_colours(content, write):
    classes = own_label_map("walks", write(content))
    assert (classes.dataset, classes.names) == ("walks", ("road", "sky", "traffic light"))
    assert classes.colours.tolist() == [[128, 64, 128], [0, 0, 255], [255, 0, 0]]
    assert classes.colours.dtype == np.uint8
    assert classes.lookup.tolist() == list(range(256))


@pytest.mark.parametrize("count", [2, 60, 253])
def test_colours_that_are_not_stated_differ(count, write):
    classes = own_label_map("walks", write("\n".join(f"class {index}" for index in range(count))))
    assert len(classes.names) == count
    assert len(np.unique(classes.colours, axis=0)) == count


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "0 classes found, 2 to 253 are possible"),
        ("road\n\n", "1 classes found"),
        ("\n".join(f"class {index}" for index in range(254)), "254 classes found"),
        ("road\nsky\nroad,1,2,3\n", "the class 'road' is listed twice"),
        ("road\nsky,1,2\n", "'sky,1,2' is neither a name nor a name with a colour"),
        ("road\nsky,1,2,256\n", "'sky,1,2,256' is neither"),
        ("road\nsky,1,2,-3\n", "'sky,1,2,-3' is neither"),
        ("road\nsky,1,2,\N{SUPERSCRIPT THREE}\n", "is neither"),
        ("road\n,1,2,3\n", "',1,2,3' is neither"),
        ("road\ncar, van\n", "'car, van' is neither"),
        (b"road\n\xff\n", "cannot be read"),
    ],
)
def test_lists_that_are_refused(content, reason, write):
    with pytest.raises(BadDataError, match=rf"classes\.txt: .*{reason}.*\n  -> write one class a line"):
        own_label_map("walks", write(content))


def test_list_that_is_missing_or_a_folder(tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.txt: .* is not found\n.*datasets\.walks\.folders"):
        own_label_map("walks", tmp_path / "none.txt")
    with pytest.raises(BadDataError, match=r"this list of classes cannot be read .*Is a directory"):
        own_label_map("walks", tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_values_are_indices_already(dtype):
    raw = np.array([[0, 1], [2, IGNORED]], dtype)
    indices = own_indices(3, raw, "a.png")
    assert indices.dtype == np.uint8
    assert np.array_equal(indices, raw)


@pytest.mark.parametrize(("classes", "known"), [(2, "0 to 1, 255"), (253, "0 to 252, 255")])
@pytest.mark.parametrize("value", [253, 254, 256])
def test_other_values_are_named_with_the_file(classes, known, value):
    with pytest.raises(BadDataError, match=rf"a\.png: 1 pixels hold .*: {value} \(known: {known}\)"):
        own_indices(classes, np.array([[0, value]], np.uint16), "a.png")
