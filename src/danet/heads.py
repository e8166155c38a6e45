"""The one table of heads: the name in params.yaml, and the class that it stands for.

Names of classes rather than classes, so that settings are checked without importing torch.
docs/extending.md shows how to add a head, docs/peers.md says what each of these is.
"""

from typing import NamedTuple

HEADS: dict[str, str] = {
    "fcn": "danet.models.heads.fcn.FCNHead",
    "danet": "danet.models.heads.danet.DANetHead",
    "fcn_wide": "danet.models.heads.fcn_wide.WideFCNHead",
    "pspnet": "danet.models.heads.pspnet.PSPHead",
    "deeplabv3": "danet.models.heads.deeplabv3.DeepLabV3Head",
    "nonlocal": "danet.models.heads.non_local.NonLocalHead",
    "ccnet": "danet.models.heads.ccnet.CCHead",
    "ocrnet": "danet.models.heads.ocrnet.OCRHead",
    "encnet": "danet.models.heads.encnet.EncHead",
    "psanet": "danet.models.heads.psanet.PSAHead",
    "denseaspp": "danet.models.heads.denseaspp.DenseASPPHead",
    "deeplabv2": "danet.models.heads.deeplabv2.DeepLabV2Head",
    "dnl": "danet.models.heads.dnl.DNLHead",
    "upernet": "danet.models.heads.upernet.UPerHead",
    "gcn": "danet.models.heads.gcn.GCNHead",
    "duc": "danet.models.heads.duc.DUCHead",
    "ccl": "danet.models.heads.ccl.CCLHead",
    "dranet": "danet.models.heads.dranet.DRAHead",
    "fcn8s": "danet.models.heads.fcn8s.FCN8sHead",
    "refinenet": "danet.models.heads.refinenet.RefineHead",
    "bisenet": "danet.models.heads.bisenet.BiSeHead",
}


class Paper(NamedTuple):
    """Where a head comes from."""

    name: str
    """Of the network, as printed in tables."""
    key: str
    """To cite it by."""
    citation: str
    """As the paper's tables cite: authors and year."""


PAPERS: dict[str, Paper] = {
    "fcn": Paper("Dilated FCN", "long2015fcn", "Long, Shelhamer, and Darrell 2015"),
    "danet": Paper("DANet", "fu2019danet", "Fu et al. 2019"),
    "pspnet": Paper("PSPNet", "zhao2017pspnet", "Zhao et al. 2017"),
    "deeplabv3": Paper("DeepLabv3", "chen2017deeplabv3", "Chen et al. 2017"),
    "nonlocal": Paper("Non-local", "wang2018nonlocal", "Wang et al. 2018"),
    "ccnet": Paper("CCNet", "huang2019ccnet", "Huang et al. 2019"),
    "ocrnet": Paper("OCRNet", "yuan2020ocr", "Yuan, Chen, and Wang 2020"),
    "encnet": Paper("EncNet", "zhang2018encnet", "Zhang et al. 2018b"),
    "psanet": Paper("PSANet", "zhao2018psanet", "Zhao et al. 2018"),
    "denseaspp": Paper("DenseASPP", "yang2018denseaspp", "Yang et al. 2018"),
    "deeplabv2": Paper("DeepLab-v2", "chen2018deeplabv2", "Chen et al. 2018"),
    "dnl": Paper("DNL", "yin2020dnl", "Yin et al. 2020"),
    "upernet": Paper("UPerNet", "xiao2018upernet", "Xiao et al. 2018"),
    "gcn": Paper("GCN", "peng2017gcn", "Peng et al. 2017"),
    "duc": Paper("DUC", "wang2018duc", "Wang et al. 2018"),
    "ccl": Paper("CCL", "ding2018ccl", "Ding et al. 2018"),
    "dranet": Paper("DRANet", "fu2020dranet", "Fu et al. 2020"),
    "fcn8s": Paper("FCN-8s", "long2015fcn", "Long, Shelhamer, and Darrell 2015"),
    "refinenet": Paper("RefineNet", "lin2017refinenet", "Lin et al. 2017a"),
    "bisenet": Paper("BiSeNet", "yu2018bisenet", "Yu et al. 2018"),
}
"""Heads that others published; ``fcn_wide`` is a control of ours."""
