"""The paper's figures, each as a vector PDF, a PNG and a JSON file of what it shows.

Input: trained networks (results/<profile>/<recipe>/runs) and the prepared evaluation split.
Output: results/<profile>/<recipe>/figures/<name>.pdf, .png and .json.
"""

from importlib import import_module
from pathlib import Path

from danet.files import replacing, write_json
from danet.jobs.code import FIGURES
from danet.reporting.figures.style import METADATA, PNG_DPI, Drawing, style
from danet.settings import FigureName, Plan


def draw_figure(plan: Plan, name: FigureName) -> list[Path]:
    """Draw one figure and write its three files.

    Raises:
        CheckpointError: a network that it shows has not been trained, or its file is damaged.
        MissingDataError: the evaluation split has not been prepared.
        SettingsError: it names networks that lack what it shows.
    """
    with style():
        drawing: Drawing = import_module(FIGURES[name]).draw(plan, name)
        for suffix, metadata in METADATA.items():
            with replacing(plan.paths.figure(name, suffix)) as temporary:
                drawing.figure.savefig(temporary, dpi=PNG_DPI, metadata=metadata)
    facts = {"figure": name, "profile": plan.profile, "caption": drawing.caption, **drawing.facts}
    write_json(plan.paths.figure(name, "json"), facts)
    return [plan.paths.figure(name, suffix) for suffix in (*METADATA, "json")]
