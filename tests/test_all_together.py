"""All that makes a step faster at once, with every model that two networks train: resumed to the bit, and watched."""

import copy
from functools import partial

import pytest
import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback
from one_rank import CLIP_MODELS, IMAGE_MODELS, configured
from worlds import real_batches

from framegan.callbacks.non_finite import NonFinite
from framegan.runs.rollback import TrainingEndedError
from framegan.trainer import GANTrainer

EVERYTHING = {"precision": "bf16-mixed", "channels_last": True}


class Save(Callback):
    """Saves a checkpoint after two batches, and keeps a copy of all that training changes after four."""

    def __init__(self, path=None):
        self.path = path
        self.state = {}

    def on_train_batch_end(self, trainer, gan, outputs, batch, batch_idx):
        if batch_idx == 1 and self.path:
            trainer.save_checkpoint(self.path)
        if batch_idx == 3:
            gathered = [optimizer.state_dict()["state"] for optimizer in trainer.optimizers]
            self.state = copy.deepcopy({"weights": gan.state_dict(), "gathered": gathered})


@pytest.mark.parametrize("model", [*IMAGE_MODELS, *CLIP_MODELS])
def test_a_run_with_everything_is_resumed_to_the_bit_and_stops_at_nan(model, tmp_path):
    torch._dynamo.reset()
    cfg = configured(f"fast {model}")
    cfg.model.compile_networks = True
    batches = [*real_batches(4, 4, tuple(cfg.data.shape)), torch.full((4, *cfg.data.shape), torch.nan)]
    data = [(batch, torch.arange(4) % 2) for batch in batches]

    def trained(data, callback, **options):
        torch.manual_seed(0)
        gan = instantiate(cfg.model, _convert_="all")
        for network in gan.of_name().values():
            network.compile = partial(network.compile, backend="aot_eager")  # needs no C++ compiler
        callbacks = [NonFinite(), callback]
        trainer = GANTrainer("cpu", **EVERYTHING, log_every_n_steps=1, max_batches=5, callbacks=callbacks)
        with pytest.raises(TrainingEndedError, match=r"not finite: the \w+ (loss|gradient), after 16 samples"):
            trainer.fit(gan, iter(data), **options)
        return callback.state

    whole = trained(data, Save(tmp_path / "two.ckpt"))
    resumed = trained(data[2:], Save(), ckpt_path=tmp_path / "two.ckpt", weights_only=True)
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)
