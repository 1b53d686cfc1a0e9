from dataclasses import replace

import pytest
from fake_loads import Stage

from lipstream.serve.avatars import Avatars
from lipstream.serve.placement import Device

CPU, ANY, FIRST, SECOND = (Device(name) for name in ("cpu", "cuda", "cuda:0", "cuda:1"))


@pytest.mark.parametrize(
    ("devices", "gpu", "chosen"),
    [
        ((CPU, ANY), 0, "cuda"),
        ((CPU, FIRST, SECOND), 1, "cuda:1"),
        ((CPU, FIRST), 0, "cuda:0"),
        ((CPU, FIRST), 7, "cpu"),
        ((CPU, FIRST), -1, "cpu"),
    ],
)
def test_a_gpu_is_known_by_its_number_however_it_is_named(devices: tuple[Device, ...], gpu: int, chosen: str) -> None:
    registry = Stage().registry(devices=devices)
    avatars = Avatars(registry, lambda: {"iris": None}, frozenset(device.name for device in devices))  # type: ignore[arg-type]
    assert avatars.load("iris", gpu).device == chosen
    assert replace(avatars).gpu("iris") == (-1 if chosen == "cpu" else gpu)
