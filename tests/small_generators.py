"""A small generator of every model, as its configuration builds it."""

import re

from omegaconf import DictConfig
from one_rank import CONF, choices, composed, give_images, given_frames, is_temporal, make_small

SMALLEST = {"steps": 1, "scales": 2, "blocks": 1, "mapping_depth": 1}
"""Settings of generators that make their graphs long."""


def config_of(model: str) -> DictConfig:
    """Return the configuration of a small generator, of three classes where it can take them."""
    cfg = composed(f"model={model}", "data=synthetic")
    cfg.data.shape = [3, 4, 8, 8] if is_temporal(model) else [1, 8, 8]
    cfg.data.num_classes, cfg.data.given_frames = 3, given_frames(model)
    make_small(cfg.model)
    give_images(cfg)
    small = SMALLEST | ({"scales": 1} if model == "realnvp" else {})
    cfg.model.generator.update({key: value for key, value in small.items() if key in cfg.model.generator})
    if "conditional" in cfg.model:
        cfg.model.conditional = True
    return cfg.model.generator


YAMLS = {model: (CONF / "model" / f"{model}.yaml").read_text() for model in choices("model")}
GENERATORS = [model for model, text in YAMLS.items() if re.search(r"^generator:\n  _target_: ", text, re.MULTILINE)]
"""The models that name a generator; the others derive from one of them."""
