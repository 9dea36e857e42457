"""What the sweeps have to say to an operator: how much differs and why, how old the last full sweep is."""

from consumers.sweeps.rounds import WINDOW as ROUNDS
from observability import metrics
from state.postgres import drift, sweeps
from state.postgres.lending import Connections


class DriftGauges:
    """Reads the report and sets the gauges."""

    def __init__(self, store: Connections) -> None:
        self._store = store
        self._shown: set[tuple[str, str]] = set()

    async def report(self) -> bool:
        """Set them once; there is never more to do at once."""
        async with self._store.acquire() as connection:
            found = await drift.summary(connection)
            metrics.DRIFT_ACCOUNTS.set(await drift.drifting(connection))
            metrics.STRAY_CUSTOMERS.set(await drift.count_strays(connection))
            age = await sweeps.seconds_since_last(connection)
            round_age = await sweeps.seconds_since_round(connection, ROUNDS)
        fields: dict[tuple[str, str], int] = {}
        for row in found:
            labels = (row["processor"], row["cause"])
            fields[labels] = fields.get(labels, 0) + row["fields"]
        for labels in self._shown | fields.keys():
            metrics.DRIFT_FIELDS.labels(processor=labels[0], cause=labels[1]).set(fields.get(labels, 0))
        self._shown |= fields.keys()
        metrics.SWEEP_AGE_SECONDS.set(age if age is not None else float("nan"))
        metrics.PAYPAL_ROUND_AGE_SECONDS.set(round_age if round_age is not None else float("nan"))
        return False
