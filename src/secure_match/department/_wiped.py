"""RAW: arrays that grow, and that leave nothing behind when they do or when they are wiped.

Invariant: every buffer that was ever the array's is overwritten with zeros before it is let go. What the kernel of
the operating system swapped out, or NumPy copied on its way here, is beyond this.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

ScalarT = TypeVar("ScalarT", bound=np.generic)


class WipedArray(Generic[ScalarT]):
    """A one-dimensional array of zeros that can be made longer.

    Attributes:
        data: the buffer, of the dtype it was made with; its address changes when it grows.
    """

    __slots__ = ("data",)

    def __init__(self, dtype: type[ScalarT], length: int = 0) -> None:
        self.data: npt.NDArray[ScalarT] = np.zeros(length, dtype=dtype)

    def reserve(self, length: int) -> None:
        """Make it at least ``length`` long, by doubling; the new part is zero."""
        if length <= len(self.data):
            return
        grown = np.zeros(max(length, 2 * len(self.data)), dtype=self.data.dtype)
        grown[: len(self.data)] = self.data
        self.replace(grown)

    def replace(self, data: npt.NDArray[ScalarT]) -> None:
        """Take another buffer, and wipe the old one."""
        self.wipe()
        self.data = data

    def wipe(self) -> None:
        """Overwrite all with zeros; the length stays."""
        self.data.fill(0)
