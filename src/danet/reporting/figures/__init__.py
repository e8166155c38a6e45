"""The paper's figures, each as a vector PDF, a PNG and a JSON file of what it shows.

Input: trained networks (results/<profile>/runs) and the prepared evaluation split.
Output: results/<profile>/figures/<name>.pdf, .png and .json.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from danet.files import replacing, write_json
from danet.reporting.figures import (
    attention_effect,
    attention_maps,
    attention_modules,
    network_overview,
    sample_scenes,
)
from danet.reporting.figures.canvas import METADATA, PNG_DPI, style
from danet.settings import Params, result_paths
from danet.settings.schema import FigureName

Draw = Callable[[Params, FigureName], tuple[Figure, dict[str, Any]]]

DRAWN_BY: dict[FigureName, Draw] = {
    "figure1": sample_scenes.draw,
    "figure2": network_overview.draw,
    "figure3": attention_modules.draw,
    "figure4": attention_effect.draw,
    "figure5": attention_effect.draw,
    "figure6": attention_maps.draw,
}


def draw_figure(params: Params, name: FigureName) -> list[Path]:
    """Draw one figure and write its three files.

    Raises:
        CheckpointError: a network that it shows has not been trained, or its file is damaged.
        MissingDataError: the evaluation split has not been prepared.
        SettingsError: it names networks that lack what it shows.
    """
    paths = result_paths(params)
    with style():
        figure, shown = DRAWN_BY[name](params, name)
        for suffix, metadata in METADATA.items():
            with replacing(paths.figure(name, suffix)) as temporary:
                figure.savefig(temporary, dpi=PNG_DPI, metadata=metadata)
    write_json(paths.figure(name, "json"), {"figure": name, "profile": params.profile} | shown)
    return [paths.figure(name, suffix) for suffix in (*METADATA, "json")]
