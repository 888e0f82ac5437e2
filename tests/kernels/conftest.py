"""The kernels that every kernel test runs on."""

from __future__ import annotations

from types import ModuleType

import pytest

from secure_match import kernels
from secure_match.kernels import _reference


@pytest.fixture(scope="session", params=[kernels, _reference], ids=["numba", "numpy"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    """A module with ``dice_pairs``, ``blocked_dice`` and ``listed_dice``."""
    module: ModuleType = request.param
    return module
