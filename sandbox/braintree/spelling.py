"""How the gateway writes what is not ours to choose: times, global ids, the addresses of logos."""

import base64
from datetime import UTC, datetime

LOGO = "https://assets.braintreegateway.com/payment_method_logo/{name}.png?environment=sandbox"


def moment(at: float) -> str:
    """A time as the gateway writes it: whole seconds, UTC."""
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(written: str) -> float:
    """The same back. Raises ValueError for anything else."""
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def global_id(kind: str, id_: str) -> str:
    """The id of an object over all of Braintree, as its GraphQL knows it."""
    return base64.b64encode(f"{kind}_{id_}".encode()).decode().rstrip("=")
