"""RAW: the only zone that sees raw values and encoding keys. What leaves it is an ``EncodedDataset``."""

from secure_match.department.encoder import Encoder
from secure_match.department.keys import DepartmentKey, EncodingKey

__all__ = ["DepartmentKey", "Encoder", "EncodingKey"]
