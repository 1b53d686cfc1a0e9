"""ONNX operators by name, each as a torch function: tensors in, attributes by keyword, tensors out.

Those that our networks, their int8 copies and SyncTalk_2D's export to; defaults are those of ONNX. Convolutions and
products compute in the type of their weights; otherwise the finer type of two wins, and casts between floating types
do nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Ints = Sequence[int]
_INTEGERS: dict[int, torch.dtype] = {6: torch.int32, 7: torch.int64, 9: torch.bool}  # by TensorProto.DataType
_LEVELS = {torch.int8: (-128, 127), torch.uint8: (0, 255)}


def conv(  # noqa: PLR0913  as many as ONNX has
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    pads: Ints = (),
    strides: Ints = (),
    dilations: Ints = (),
    group: int = 1,
    kernel_shape: Ints = (),  # noqa: ARG001  the weight's
    auto_pad: str = "NOTSET",
) -> Tensor:
    """Conv, of one or two dimensions, padded explicitly."""
    _require(auto_pad == "NOTSET", f"Conv with auto_pad {auto_pad}")
    dims = weight.ndim - 2
    before, after = tuple(pads[:dims]) or (0,) * dims, tuple(pads[dims:]) or (0,) * dims
    if before != after:
        x, before = functional.pad(x, _torch_padding(before, after)), (0,) * dims
    convolve = functional.conv1d if dims == 1 else functional.conv2d
    return convolve(x.to(weight.dtype), weight, bias, tuple(strides) or 1, before, tuple(dilations) or 1, group)


def gemm(
    a: Tensor, b: Tensor, c: Tensor | None = None, *, alpha: float = 1, beta: float = 1, **transposed: int
) -> Tensor:
    """Gemm; `transA` and `transB` transpose."""
    a = a.to(b.dtype)
    product = (a.T if transposed.get("transA") else a) @ (b.T if transposed.get("transB") else b)
    product = product if alpha == 1 else alpha * product
    return product if c is None else product + (c if beta == 1 else beta * c)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """MatMul; of two types the coarser one, which is a weight's."""
    coarser = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    return a.to(coarser) @ b.to(coarser)


def resize(  # noqa: PLR0913  as many as ONNX has
    x: Tensor,
    _region: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    **_unused: Any,  # noqa: ANN401  of cubic interpolation and cropping
) -> Tensor:
    """Resize of the last two dimensions, linear or nearest."""
    if sizes is not None and sizes.numel():
        size = [int(value) for value in sizes.tolist()[2:]]
    else:
        _require(scales is not None, "Resize without scales")
        size = [int(length * scale) for length, scale in zip(x.shape[2:], scales.tolist()[2:], strict=True)]  # type: ignore[union-attr]
    if mode == "linear":
        _require(coordinate_transformation_mode != "asymmetric", "asymmetric linear Resize")
        corners = coordinate_transformation_mode == "align_corners"
        return functional.interpolate(x, size, mode="bilinear", align_corners=corners)
    exact = mode == "nearest" and coordinate_transformation_mode == "asymmetric" and nearest_mode == "floor"
    _require(exact, f"{mode} Resize")
    return functional.interpolate(x, size, mode="nearest")


def grid_sample(
    x: Tensor, grid: Tensor, *, mode: str = "linear", padding_mode: str = "zeros", align_corners: int = 0
) -> Tensor:
    """GridSample, in float32: torch 2.13 reads past bfloat16 pictures on the CPU, and finer places cost nothing."""
    torch_mode = "bilinear" if mode == "linear" else mode
    sampled = functional.grid_sample(x.float(), grid.float(), torch_mode, padding_mode, bool(align_corners))
    return sampled.to(x.dtype)


def slice_(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None) -> Tensor:
    """Slice, forwards."""
    count = starts.numel()
    places = axes.tolist() if axes is not None else list(range(count))
    strides = steps.tolist() if steps is not None else [1] * count
    cut = [slice(None)] * x.ndim
    for place, start, end, stride in zip(places, starts.tolist(), ends.tolist(), strides, strict=True):
        _require(stride > 0, "Slice backwards")
        cut[place] = slice(start, end, stride)
    return x[tuple(cut)]


def split(
    x: Tensor, sizes: Tensor | None = None, *, axis: int = 0, num_outputs: int | None = None
) -> tuple[Tensor, ...]:
    """Split, into given or equal parts."""
    if sizes is not None:
        return torch.split(x, sizes.tolist(), axis)
    _require(num_outputs is not None, "Split without a number of parts")
    return torch.split(x, -(-x.shape[axis] // int(num_outputs or 1)), axis)


def reshape(x: Tensor, shape: Tensor, *, allowzero: int = 0) -> Tensor:
    """Reshape; a length of 0 keeps the input's."""
    lengths = shape.tolist()
    if not allowzero:
        lengths = [x.shape[place] if length == 0 else length for place, length in enumerate(lengths)]
    return x.reshape(lengths)


def shape_of(x: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    """Shape, on the host."""
    return torch.tensor(x.shape[start:end], dtype=torch.int64)


def gather(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    """Gather."""
    index = index.to(x.device)
    taken = x.index_select(axis, torch.where(index < 0, index + x.shape[axis], index).flatten())
    axis %= x.ndim
    return taken.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def cast(x: Tensor, *, to: int, saturate: int = 1) -> Tensor:  # noqa: ARG001  concerns float8 alone
    """Cast."""
    if to in _INTEGERS:
        return x.to(_INTEGERS[to])
    return x if x.is_floating_point() else x.float()


def unsqueeze(x: Tensor, axes: Tensor) -> Tensor:
    """Unsqueeze."""
    places = axes.tolist()
    for place in sorted(place % (x.ndim + len(places)) for place in places):
        x = x.unsqueeze(place)
    return x


def expand(x: Tensor, shape: Tensor) -> Tensor:
    """Expand; where the shape has 1 the input's length is kept."""
    return torch.broadcast_to(x, torch.broadcast_shapes(x.shape, tuple(shape.tolist())))  # type: ignore[no-untyped-call]


def reduce_with(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """ReduceMean, ReduceSum: `function` over the axes of a second input."""

    def reduce(x: Tensor, axes: Tensor | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        if axes is None and noop_with_empty_axes:
            return x
        return function(x, list(range(x.ndim)) if axes is None else axes.tolist(), keepdim=bool(keepdims))

    return reduce


def pad(x: Tensor, pads: Tensor, value: Tensor | None = None, *, mode: str = "constant") -> Tensor:
    """Pad, of all dimensions with a constant, or of the last two."""
    lengths = pads.tolist()
    padding = _torch_padding(lengths[: x.ndim], lengths[x.ndim :])
    if mode == "constant":
        return functional.pad(x, padding, value=0.0 if value is None else float(value))
    _require(not any(padding[4:]), f"Pad of batch or channels with mode {mode}")
    return functional.pad(x, padding[:4], "replicate" if mode == "edge" else mode)


def average_pool(x: Tensor, *, kernel_shape: Ints, strides: Ints = (), **others: Any) -> Tensor:  # noqa: ANN401
    """AveragePool without padding."""
    _require(not any(others.get("pads", ())) and not others.get("ceil_mode"), "AveragePool with padding")
    return functional.avg_pool2d(x, tuple(kernel_shape), tuple(strides) or 1)


def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """DepthToSpace, in torch's order of channels."""
    _require(mode == "CRD", f"DepthToSpace with mode {mode}")
    return functional.pixel_shuffle(x, blocksize)


def quantize(x: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, **_unused: int) -> Tensor:
    """QuantizeLinear; the levels stay floating numbers, so that any device computes with them."""
    low, high = _LEVELS[torch.uint8 if zero is None else zero.dtype]
    return (torch.round(x / _along(scale, x, axis)) + _offset(zero, x, axis)).clamp(low, high)


def dequantize(levels: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, **_unused: int) -> Tensor:
    """DequantizeLinear."""
    return (levels - _offset(zero, levels, axis)) * _along(scale, levels, axis)


def _along(values: Tensor, x: Tensor, axis: int) -> Tensor:
    if values.numel() == 1:
        return values.reshape(())
    return values.reshape([-1 if place == axis % x.ndim else 1 for place in range(x.ndim)])


def _offset(zero: Tensor | None, x: Tensor, axis: int) -> Tensor | float:
    if zero is None or zero.numel() == 1:
        return 0.0 if zero is None else float(zero)
    return _along(zero, x, axis).float()


def _torch_padding(before: Ints, after: Ints) -> list[int]:
    """ONNX pads, all dimensions before and all after, to torch's pairs from the last dimension."""
    return [length for pair in zip(reversed(before), reversed(after), strict=True) for length in pair]


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise NotImplementedError(f"{what} has no counterpart in torch here")


OPERATORS: dict[str, Callable[..., Tensor | Sequence[Tensor]]] = {
    "Abs": torch.abs,
    "Add": torch.add,
    "AveragePool": average_pool,
    "Cast": cast,
    "Clip": torch.clamp,
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Conv": conv,
    "DepthToSpace": depth_to_space,
    "DequantizeLinear": dequantize,
    "Div": torch.div,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Expand": expand,
    "Flatten": lambda x, *, axis=1: x.reshape(int(torch.tensor(x.shape[:axis]).prod()), -1),
    "Gather": gather,
    "Gemm": gemm,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
    "GridSample": grid_sample,
    "Identity": lambda x: x,
    "InstanceNormalization": lambda x, scale, bias, *, epsilon=1e-5: functional.instance_norm(
        x, weight=scale, bias=bias, eps=epsilon
    ),
    "LeakyRelu": lambda x, *, alpha=0.01: functional.leaky_relu(x, alpha),
    "MatMul": matmul,
    "Mul": torch.mul,
    "Neg": torch.neg,
    "Pad": pad,
    "Pow": torch.pow,
    "PRelu": lambda x, slope: torch.where(x < 0, x * slope, x),
    "QuantizeLinear": quantize,
    "ReduceMean": reduce_with(torch.mean),
    "ReduceSum": reduce_with(torch.sum),
    "Relu": torch.relu,
    "Reshape": reshape,
    "Resize": resize,
    "Shape": shape_of,
    "Sigmoid": torch.sigmoid,
    "Slice": slice_,
    "Softmax": lambda x, *, axis=-1: torch.softmax(x, axis),
    "Split": split,
    "Sqrt": torch.sqrt,
    "Sub": torch.sub,
    "Tanh": torch.tanh,
    "Tile": lambda x, repeats: x.repeat(*repeats.tolist()),
    "Transpose": lambda x, *, perm: x.permute(*perm),
    "Unsqueeze": unsqueeze,
}
