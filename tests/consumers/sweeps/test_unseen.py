"""What Stripe did not show is paged through by account: none is passed over, however much one of them has."""

import pytest

from state.postgres import sweeps
from tests.consumers.sweeps.crowd import account
from tests.consumers.sweeps.sweeping import Sweeping

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

_SUBSCRIBED = (
    "INSERT INTO subscriptions (account_id, id, customer_id, status, collection_method, cancel_at_period_end,"
    " items, seen_rank, seen_final, version, edited_on)"
    " SELECT $1, 'sub_' || $1 || n, 'cus_1', 'active', 'send_invoice', false, '[]', 0, false, 1, now()"
    " FROM generate_series(1, $2::integer) AS n"
)
_REGISTERED = (
    "INSERT INTO accounts (id, type, version, created_on, edited_on)"
    " SELECT $1, type, version, created_on, edited_on FROM accounts WHERE id = $2"
)


async def test_one_with_more_subscriptions_than_a_page_holds_passes_nobody_over(sweep: Sweeping) -> None:
    connection = sweep.payments.world.connection
    numbers = {account(1): 3, account(2): 1, account(3): 2}
    for name, subscriptions in numbers.items():
        await connection.execute(_REGISTERED, name, sweep.payments.account)
        await connection.execute(_SUBSCRIBED, name, subscriptions)
    found, page = list[str](), [""]
    while page:
        page = await sweeps.unseen(connection, 0, after=page[-1], limit=2)
        found += page
    assert found == sorted([*numbers, sweep.payments.account])
