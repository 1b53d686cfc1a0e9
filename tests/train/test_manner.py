import numpy as np
import pytest

from lipstream.types import ARTICULATION

torch = pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")

from lipstream.nets.generator import Generator, GeneratorConfig  # noqa: E402
from lipstream.train.manner import fold, manner  # noqa: E402

GAP, JAW, TONGUE = (ARTICULATION.index(name) for name in ("lip_gap", "jaw", "tongue_front"))


def test_a_manner_is_found_and_leaves_what_is_only_heard() -> None:
    heard = np.random.default_rng(0).random((500, 12)).astype(np.float32)
    seen = heard.copy()
    seen[:, GAP] = 0.5 * heard[:, JAW] + 0.25 * heard[:, GAP]
    seen[:, TONGUE] = 0
    matrix = manner(heard, seen, strength=1e-3)
    np.testing.assert_allclose(matrix[GAP, [JAW, GAP]], [0.5, 0.25], atol=0.01)
    np.testing.assert_allclose(matrix[TONGUE], np.eye(12)[TONGUE], atol=1e-6)


def test_little_speech_changes_little() -> None:
    heard = np.full((3, 12), 0.1, np.float32)
    assert np.abs(manner(heard, 3 * heard) - np.eye(12)).max() < 0.1


def test_a_folded_generator_paints_heard_codes_as_the_other_paints_seen_ones() -> None:
    torch.manual_seed(0)
    module = Generator(GeneratorConfig((4, 4, 4, 4), (1, 1, 1), 2, box=(144, 192, 176, 224))).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    matrix = np.random.default_rng(1).standard_normal((12, 12)).astype(np.float32)
    visual, heard = torch.rand(1, 6, 320, 320), torch.rand(1, 12)
    with torch.no_grad():
        wanted = module(visual, heard @ torch.from_numpy(matrix).T)
        fold(module, matrix)
        torch.testing.assert_close(module(visual, heard), wanted, atol=1e-5, rtol=1e-4)
