"""PUBLIC: the synthetic city: made-up people, the exports of their departments, and the truth about them.

For the demo, benchmarks and tests. Nobody in it lives: its region codes are not assigned.
"""

from secure_match.synthetic._city import City, generate_city
from secure_match.synthetic._config import DATASETS, CityConfig
from secure_match.synthetic._truth import Truth
from secure_match.synthetic.files import write_exports

__all__ = ["DATASETS", "City", "CityConfig", "Truth", "generate_city", "write_exports"]
