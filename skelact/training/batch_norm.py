"""Batch normalisation over several processes on CPUs, and its averages where they have not settled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class SyncedBatchNorm(_BatchNorm):
    """BatchNorm1d or BatchNorm2d whose batch is that of all processes; (N, C, ...) to the same shape.

    The means and variances of the processes are gathered and combined (Chan et al. 1979), which keeps the digits
    that a mean of squares less the squared mean would lose.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Any input with channels second will do."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise; by the running averages in eval mode."""
        if not self.training:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        wide = input if input.dtype == torch.float64 else input.float()
        count, mean, variance = _combine(wide, axes)
        self._update(count, mean.detach(), variance.detach())
        shape = [1, -1] + [1] * (input.ndim - 2)
        out = (wide - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    @torch.no_grad()
    def _update(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_((variance * count / (count - 1)).to(self.running_var.dtype), self.momentum)


def _combine(input: Tensor, axes: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Count (), mean (C,) and biased variance (C,) over the inputs of all processes."""
    variance, mean = torch.var_mean(input, dim=axes, correction=0)
    own = torch.stack([torch.full_like(mean, input.numel() / input.shape[1]), mean, variance])
    world, rank = distributed.get_world_size(), distributed.get_rank()
    rows = functional.pad(own[None], (0, 0, 0, 0, rank, world - 1 - rank))
    counts, means, variances = _SumOverProcesses.apply(rows).unbind(dim=1)
    shares = counts / counts.sum(dim=0)
    mean = (shares * means).sum(dim=0)
    return counts.sum(dim=0)[0], mean, (shares * (variances + (means - mean).square())).sum(dim=0)


def statistics(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the averages of every batch normalisation, by name."""
    return {
        f"{name}.{buffer}": tensor.clone()
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm)
        for buffer, tensor in module.named_buffers(recurse=False)
    }


def restore(model: nn.Module, kept: dict[str, Tensor]) -> None:
    """Put back what `statistics` copied."""
    buffers = dict(model.named_buffers())
    for name, tensor in kept.items():
        buffers[name].copy_(tensor)


def settle(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the averages of batch normalisation by the plain mean over these batches, with the weights as they are.

    The mode of the model and torch's random numbers stay as they were, so that training goes on as if nothing had
    happened.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta, training = [norm.momentum for norm in norms], model.training
    model.train()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for count, clips in enumerate(batches, start=1):
            for norm in norms:
                norm.momentum = 1 / count  # the first batch forgets all that was before
            model(clips)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)
