"""When and how an object of a processor was seen: what its order is taken from (DESIGN.md 4, law 7)."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Observation(BaseModel):
    """One look at an object. `at` is the processor's own clock, in whole seconds at Stripe.

    `event_id` is the event that told of it; None when the object itself was read, which shows all that
    happened before `at` and settles what events of one second leave in doubt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    at: AwareDatetime
    event_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
