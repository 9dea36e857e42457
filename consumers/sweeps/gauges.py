"""What the sweeps have to say to an operator: how much differs and why, how old the last full sweep is."""

from consumers.performing import Store
from consumers.sweeps.rounds import WINDOW as ROUNDS
from observability import metrics
from state.postgres import drift, sweeps


class DriftGauges:
    """Reads the report and sets the gauges."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: set[tuple[str, str, str]] = set()

    async def report(self) -> bool:
        """Set them once; there is never more to do at once."""
        async with self._store.acquire() as connection:
            found = await drift.summary(connection)
            metrics.DRIFT_ACCOUNTS.set(await drift.drifting(connection))
            metrics.STRAY_CUSTOMERS.set(await drift.count_strays(connection))
            age = await sweeps.seconds_since_last(connection)
            round_age = await sweeps.seconds_since_round(connection, ROUNDS)
        fields = {(row["processor"], row["part"], row["cause"]): row["fields"] for row in found}
        for labels in self._shown | fields.keys():
            metrics.DRIFT_FIELDS.labels(*labels).set(fields.get(labels, 0))
        self._shown |= fields.keys()
        metrics.SWEEP_AGE_SECONDS.set(age if age is not None else float("nan"))
        metrics.PAYPAL_ROUND_AGE_SECONDS.set(round_age if round_age is not None else float("nan"))
        return False
