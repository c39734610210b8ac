"""Which precision operations have under autocast on a GPU, on a CPU, whose own autocast has other lists.

From PyTorch's "Automatic Mixed Precision" reference, "CUDA Op-Specific Behavior". Only what Python code calls is seen.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

TO_BF16 = """
    __matmul__ addbmm addmm addmv addr baddbmm bmm chain_matmul multi_dot conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d gru gru_cell linear lstm lstm_cell matmul mm mv prelu rnn_tanh rnn_tanh_cell
    scaled_dot_product_attention
"""
TO_FP32 = """
    __pow__ __rdiv__ __rpow__ __rtruediv__ acos asin binary_cross_entropy_with_logits cosh cosine_embedding_loss cdist
    cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 group_norm hinge_embedding_loss kl_div l1_loss
    layer_norm log log10 log_softmax log1p log2 margin_ranking_loss mse_loss nll_loss norm normalize pdist
    poisson_nll_loss pow prod reciprocal rsqrt sinh smooth_l1_loss soft_margin_loss softmax softmin softplus sum renorm
    tan triplet_margin_loss
"""
TO_WIDEST = "addcdiv addcmul atan2 bilinear cross dot vdot grid_sample index_put scatter_add"
NARROWED, WIDENED = set(TO_BF16.split()), {*TO_FP32.split(), *TO_WIDEST.split()}


class CudaAutocast(TorchFunctionMode):
    """Within it float32 operands of some operations are rounded, and bfloat16 ones of others widened."""

    def __init__(self):
        super().__init__()
        self.is_on = True

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if self.is_on and name in NARROWED:
            args, kwargs = tree_map_only(Tensor, _narrow, (args, kwargs or {}))
        elif self.is_on and name in WIDENED:
            args, kwargs = tree_map_only(Tensor, _widen, (args, kwargs or {}))
        return func(*args, **(kwargs or {}))

    def autocast(self, *_, enabled: bool):
        """Stand in for torch.autocast."""
        mode = self

        class Block:
            def __enter__(self):
                self.before, mode.is_on = mode.is_on, mode.is_on and enabled

            def __exit__(self, *_):
                mode.is_on = self.before

        return Block()


def _narrow(values: Tensor) -> Tensor:
    return values.bfloat16() if values.dtype == torch.float32 else values


def _widen(values: Tensor) -> Tensor:
    return values.float() if values.dtype == torch.bfloat16 else values
