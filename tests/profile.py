"""How thorough the suite is: `make test` takes samples, `make nightly` takes everything."""

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")
NIGHTLY = os.environ.get("MAILBOT_TEST_PROFILE") == "nightly"

# A loaded machine is no reason to fail: no deadline for an example.
settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("nightly", max_examples=1000, deadline=None)


def sample(values: Sequence[T], count: int) -> Sequence[T]:
    """Return `count` values at even distances, the first among them; all of them at night."""
    return values if NIGHTLY else values[:: max(1, len(values) // count)]
