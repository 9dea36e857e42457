"""Many accounts that pay by PayPal like one that does, in our store and in the vault."""

from typing import Final

from tests.consumers.effects.payments import Payments

COUNT: Final = 120
"""With the one that they are like: two whole pages of a search and a part of one."""


def account(number: int) -> str:
    """The account with this number; they come in this order."""
    return f"{number:032x}"


def token(number: int) -> str:
    """Its agreement's token."""
    return f"crowd{number}"


async def crowded(payments: Payments) -> None:
    """Connect PayPal, and have the others beside it."""
    await payments.connects()
    await payments.world.settle()
    (held,) = payments.vault.driver.methods()
    agreement = (await payments.only()).details.agreement_id
    connection = payments.world.connection
    await connection.execute(
        "INSERT INTO accounts (id, type, version, created_on, edited_on)"
        " SELECT lpad(to_hex(n), 32, '0'), type, version, created_on, edited_on"
        " FROM accounts, generate_series(1, $2) AS n WHERE id = $1",
        payments.account,
        COUNT,
    )
    columns = "processor, state, is_default, chosen_on, billing, released, seen_at, seen_event, seen_rank"
    more = "seen_final, version, created_on, edited_on"
    await connection.execute(
        f"INSERT INTO payment_methods (account_id, id, reference, details, {columns}, {more})"
        f" SELECT lpad(to_hex(n), 32, '0'), 'crowd' || n, 'crowd' || n,"
        f" replace(replace(details, id, 'crowd' || n), $3, 'B-CROWD' || n),"
        f" {columns}, {more} FROM payment_methods, generate_series(1, $2) AS n WHERE account_id = $1",
        payments.account,
        COUNT,
        agreement,
    )
    numbers = range(1, COUNT + 1)
    payments.vault.driver.fill(
        customers=[{"id": account(n)} for n in numbers],
        methods=[
            {
                "token": token(n),
                "customer_id": account(n),
                "email": held["email"],
                "default": True,
                "billing_agreement_id": f"B-CROWD{n}",
            }
            for n in numbers
        ],
    )
