from collections.abc import Callable

import pytest

from danet.settings import Model


@pytest.fixture
def model_settings() -> Callable[..., Model]:
    """Settings of a small network of the released code; keywords take the place of its values."""

    def build(attention: tuple[str, ...] = ("position", "channel"), **changes) -> Model:
        values = {
            "backbone": "resnet14_thin",
            "head": "danet" if attention else "fcn",
            "attention": attention,
            "multi_grid": None,
            "classes": 19,
            "position_projection": "conv",
            "query_key_reduction": 8,
            "channel_similarity": "max_minus_product",
            "dropout": 0.1,
            "auxiliary_losses": True,
        }
        return Model(**values | changes)

    return build
