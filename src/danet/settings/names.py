"""Names of the entries of params.yaml, as types wherever they cross modules.

Data sets, experiments, protocols, recipes and profiles are whatever params.yaml defines, so their
names are open; tables and figures need code of their own, so theirs are listed.
"""

from typing import Literal, NewType

DatasetName = NewType("DatasetName", str)
ExperimentName = NewType("ExperimentName", str)
ProtocolName = NewType("ProtocolName", str)
RecipeName = NewType("RecipeName", str)
ProfileName = NewType("ProfileName", str)

BackboneName = Literal[
    "resnet50", "resnet101", "resnet50_v1c", "resnet101_v1c", "resnet14_thin", "resnet23_thin"
]
Dilation = Literal["last_two", "hybrid", "none"]
AttentionName = Literal["position", "channel"]
SUBMITTED = ExperimentName("danet_r101_da_mg")
"""The network of the paper's Table 3, which is scored by the Cityscapes server."""
TableName = Literal["table1", "table2", "table3", "table4", "table5"]
FigureName = Literal["figure1", "figure2", "figure3", "figure4", "figure5", "figure6"]
