"""How large a run is: the numbers that a figure is only comparable with."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of all benchmarks. `seed` decides every generated value but ids and traces."""

    seed: int = 20_261_123

    accounts: int = 20_000
    commands: int = 120_000
    warm_up: int = 20_000
    """Commands at the beginning that are not timed: caches fill, statements are planned."""
    rival_commands: int = 3_000
    rival_warm_up: int = 300
    rival_workers: tuple[int, ...] = (1, 12)
    """Plain, and with a FastStream worker per partition."""
    copy_rows: int = 5_000
    """Commands per transaction of COPY; fewer or more were slower where this was written."""

    http_rate: int = 500
    http_seconds: float = 30.0
    http_warm_up: float = 5.0
    http_connections: int = 64
    http_accounts: int = 500
    http_processes: int = 1
    """Processes of the Dashboard; on two cores a second one only takes turns with the rest."""

    growth_accounts: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    growth_touched: int = 1_000
    growth_commands: int = 20_000

    flood_messages: int = 100_000
    """On each of the lanes `facts` and `bulk`."""
    flood_rate: int = 100
    """Commands a second that somebody waits for."""
    flood_warm_up: int = 100
    """Commands at the beginning of either half that are not timed."""
    flood_seconds: float = 8.0
    quiet_limit: float = 120.0
    """Seconds that its quiet half waits for the servers at most."""

    webhook_accounts: int = 10_000
    webhooks: int = 60_000
    webhook_requests: int = 2_500
    """Through HTTP for each that is in flight, up to 8."""
    webhooks_in_flight: tuple[int, ...] = (1, 8, 32)

    sweep_accounts: int = 100_000
    sweep_drifting: int = 200
    """Accounts of which somebody changed the name at Stripe."""


FULL: Final = Plan()
QUICK: Final = Plan(
    accounts=5_000,
    commands=30_000,
    warm_up=6_000,
    rival_commands=800,
    rival_warm_up=100,
    rival_workers=(1,),
    http_seconds=8.0,
    http_warm_up=2.0,
    growth_accounts=(1_000, 100_000),
    growth_commands=8_000,
    flood_messages=20_000,
    flood_seconds=4.0,
    webhook_accounts=2_000,
    webhooks=12_000,
    webhook_requests=500,
    sweep_accounts=5_000,
    sweep_drifting=50,
)
