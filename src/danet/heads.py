"""The one table of heads: the name in params.yaml, and the class that it stands for.

Names of classes rather than classes, so that settings are checked without importing torch.
docs/extending.md shows how to add a head.
"""

HEADS: dict[str, str] = {
    "fcn": "danet.models.heads.fcn.FCNHead",
    "danet": "danet.models.heads.danet.DANetHead",
}
