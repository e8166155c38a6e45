"""Trained networks for the figures that show what they do."""

from danet.machine.device import chosen_device
from danet.models.network import SegmentationNetwork
from danet.runs.network_file import load_network
from danet.settings import ExperimentName, Plan


def open_network(plan: Plan, experiment: ExperimentName) -> SegmentationNetwork:
    """The network of the first seed, on the GPU where there is one.

    Raises:
        CheckpointError: it has not been trained, or its file is damaged.
    """
    seed = plan.seeds[0]
    remedy = f"danet train --experiment {experiment} --seed {seed} {plan.options}"
    network, _ = load_network(plan.paths.run(experiment, seed).final, remedy)
    return network.to(chosen_device())
