"""Computes a LoRA layer in one function, because PEFT's own converts and copies each layer's activations many times.

y = x Wᵀ + s · (x Aᵀ) Bᵀ (arXiv 2106.09685), W frozen. A and B stay in float32 for the optimizer and are multiplied in
the numbers of x; both products of x are added up in place, forward and backward.
"""

from __future__ import annotations

import types
from typing import Any

import torch


class _LoraLinear(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scale: float) -> Any:
        rows = x.reshape(-1, x.shape[-1])
        a_here, b_here = a.to(x.dtype), (b * scale).to(x.dtype)
        inner = rows @ a_here.T
        y = torch.nn.functional.linear(rows, weight, bias).addmm_(inner, b_here.T)
        ctx.save_for_backward(rows, inner, weight, a_here, b_here)
        ctx.scale, ctx.shape, ctx.numbers = scale, x.shape, (a.dtype, b.dtype)
        return y.view(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        rows, inner, weight, a, b = ctx.saved_tensors
        g = gradients[0].reshape(-1, gradients[0].shape[-1])
        g_inner = g @ b
        of_x = (g @ weight).addmm_(g_inner, a).view(ctx.shape) if ctx.needs_input_grad[0] else None
        of_a = (g_inner.T @ rows).to(ctx.numbers[0])
        of_b = (g.T @ inner).to(ctx.numbers[1]) * ctx.scale
        return of_x, None, None, of_a, of_b, None


def compute_in_one(model: Any) -> int:
    """Gives every plain LoRA layer on a linear layer of `model` this way to compute; how many got it.

    Plain means: one adapter that is in use, no dropout, no variant (DoRA and the like), frozen weights. What is saved,
    merged and disabled stays PEFT's. The gradients are the same.
    """
    from peft.tuners.lora.layer import Linear

    layers = [layer for layer in model.modules() if type(layer) is Linear and _is_plain(layer)]
    for layer in layers:
        layer.forward = types.MethodType(_forward, layer)
    return len(layers)


def _is_plain(layer: Any) -> bool:
    base = layer.get_base_layer()
    return (
        type(base) is torch.nn.Linear
        and not base.weight.requires_grad
        and not layer.lora_variant
        and not any(layer.use_dora.values())
        and not any(layer.lora_bias.values())
        and all(isinstance(dropout, torch.nn.Identity) for dropout in layer.lora_dropout.values())
    )


def _forward(self: Any, x: Any, *args: Any, **more: Any) -> Any:
    active = [name for name in self.active_adapters if name in self.lora_A]
    if self.disable_adapters or self.merged or len(active) != 1 or more.get("adapter_names") is not None:
        return type(self).forward(self, x, *args, **more)
    base, (name,) = self.get_base_layer(), active
    return _LoraLinear.apply(
        x, base.weight, base.bias, self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]
    )
