"""Figure 2: the overview of DANet, drawn from the built network and the shapes that flow through it."""

from matplotlib.figure import Figure

from danet.reporting.figures.diagram import Diagram, Node, shape_text
from danet.reporting.figures.layer_shapes import (
    BuiltDANet,
    built_danet,
    describe_dilation,
    describe_layers,
)
from danet.reporting.figures.style import TEXT_WIDTH, Drawing
from danet.reporting.tables.captions import BACKBONE_TITLES
from danet.settings import FigureName, Plan

HEIGHT = 2.3
MIDDLE = 1.1
ROWS = {"position": 1.72, "channel": 0.48}
"""Height of each branch above the lower edge."""


def draw(plan: Plan, _: FigureName) -> Drawing:
    """Backbone, both attention branches, their sum, and the classifiers."""
    built = built_danet(plan)
    model, crop = built.experiment.model, built.experiment.training.crop_size
    caption = (
        f"Overview of the network of {built.experiment.id} as built: {BACKBONE_TITLES[model.backbone]},"
        f" recipe {built.experiment.recipe}. Numbers are channels × height × width for a training crop of"
        f" {crop} pixels; dilations are those of a stage's blocks in turn, repeated ones once"
        f"{'; dashed classifiers serve only the losses of training' * (len(built.head.outputs) > 1)}."
    )
    shapes = {module: list(shape) for module, shape in built.shapes.items() if module.count(".") < 3}
    facts = {"experiment": built.experiment.id, "backbone": model.backbone, "shapes": shapes}
    return Drawing(paint(built), caption, facts)


def paint(built: BuiltDANet) -> Figure:
    diagram = Diagram(TEXT_WIDTH, HEIGHT)
    features = _backbone(diagram, built)
    plus = diagram.operator(5.56, MIDDLE, "+")
    for branch, row in ROWS.items():
        refined = _branch(diagram, built, branch, row, features)
        diagram.arrow(refined.right, (plus.x, row), plus.top if row > MIDDLE else plus.bottom)
        if branch in built.head.outputs:
            loss = _classifier(diagram, built, f"head.{branch}_classifier", row, dashed=True)
            diagram.arrow(refined.right, loss.left)
    fused = _classifier(diagram, built, "head.fused_classifier", MIDDLE, dashed=False)
    diagram.arrow(plus.right, fused.left)
    result = diagram.box(6.7, MIDDLE, 0.52, 0.62, "features", "result", _two_lines(built.shapes[""]))
    diagram.arrow(fused.right, result.left)
    diagram.text(result.x, MIDDLE - 0.44, "bilinear\nupsampling")
    return diagram.figure


def _backbone(diagram: Diagram, built: BuiltDANet) -> Node:
    """Image, stem and the four stages; returns the last one."""
    node = diagram.box(0.29, MIDDLE, 0.54, 0.62, "features", "image", _two_lines(built.shapes["image"]))
    backbone = built.network.backbone
    heights = {"maxpool": 1.3, "layer1": 1.15, "layer2": 0.95, "layer3": 0.95, "layer4": 0.95}
    for number, (layer, height) in enumerate(heights.items()):
        dilation = describe_dilation(getattr(backbone, layer)) if number else ""
        title = f"stage\n{number}" if number else "stem"
        detail = _two_lines(built.shapes[f"backbone.{layer}"])
        x = 0.895 + 0.53 * number
        bar = diagram.box(x, MIDDLE, 0.45, height, "convolution", title, detail)
        if dilation:
            diagram.text(x, MIDDLE - 0.6, dilation.replace(" ", "\n", 1))
        diagram.arrow(node.right, bar.left)
        node = bar
    blocks = [len(getattr(backbone, layer)) for layer in ("layer1", "layer2", "layer3", "layer4")]
    title = BACKBONE_TITLES[built.experiment.model.backbone].replace(" with", "\nwith")
    words = f"dilated {title}\n{' + '.join(map(str, blocks))} blocks"
    diagram.text(1.955, 2.06, words, weight="bold")
    return node


def _branch(diagram: Diagram, built: BuiltDANet, branch: str, row: float, features: Node) -> Node:
    """Convolution, attention, convolution; returns the last one."""
    kinds = {"position": "attention", "channel": "channel"}
    place = f"head.{branch}"
    reduce, refine = (getattr(getattr(built.head, branch), part) for part in ("reduce", "refine"))
    first = _convolution(diagram, 3.73, row, describe_layers(reduce), built.shapes[f"{place}.reduce"])
    title = f"{branch}\nattention\nmodule"
    shape = _two_lines(built.shapes[f"{place}.attention"])
    module = diagram.box(4.41, row, 0.58, 0.72, kinds[branch], title, shape)
    last = _convolution(diagram, 5.09, row, describe_layers(refine), built.shapes[f"{place}.refine"])
    bend = features.right[0] + 0.1
    diagram.arrow(features.right, (bend, MIDDLE), (bend, row), first.left)
    diagram.arrow(first.right, module.left)
    diagram.arrow(module.right, last.left)
    return last


def _convolution(diagram: Diagram, x: float, y: float, layers: str, shape: tuple[int, ...]) -> Node:
    return diagram.box(x, y, 0.58, 0.62, "convolution", layers.replace(", ", "\n", 1), _two_lines(shape))


def _classifier(diagram: Diagram, built: BuiltDANet, name: str, y: float, dashed: bool) -> Node:
    layers = describe_layers(built.network.get_submodule(name))
    title = f"{layers}\n(loss only)" if dashed else f"classifier\n{layers}"
    return diagram.box(6.05, y, 0.62, 0.52, "classifier", title, shape_text(built.shapes[name]), dashed)


def _two_lines(shape: tuple[int, ...]) -> str:
    channels, *size = shape
    return f"{channels}\n{shape_text(tuple(size))}"
