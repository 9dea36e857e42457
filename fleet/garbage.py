"""When Python looks for cyclic garbage: rarely, since nearly everything here dies by its reference count."""

import gc
from typing import Final

NEW_OBJECTS: Final = 200_000
"""Containers made and not freed before the next look. A batch of 500 commands has some 20,000 alive at once,
so Python's own 700 would go through all of them dozens of times a batch: a quarter of a worker's time."""


def collect_as_usual() -> None:
    """For processes that speak to Stripe: its SDK leaves some 50 objects in cycles behind each request, 20 kB that
    would add up to hundreds of megabytes between two rare looks. What is there by now is not looked at again."""
    gc.collect()
    gc.freeze()


def collect_rarely() -> None:
    """Call it once all is imported and built: what is there by now stays and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)
