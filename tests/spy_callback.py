"""A user's own callback: writes down what each rank trains with."""

import json
from typing import Any

from lightning.pytorch import Callback


class Spy(Callback):
    def on_train_start(self, trainer: Any, gan: Any) -> None:
        rates = {"lr": trainer.optimizers[0].param_groups[0]["lr"], "seed": gan.seed}
        (trainer.folder / f"rank_{trainer.global_rank}.json").write_text(json.dumps(rates))
