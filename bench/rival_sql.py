"""The rival's statements: one row each, prepared once per connection by asyncpg."""

from typing import Final

from handlers.profiles import FIELDS

_COLUMNS: Final = ("account_id", *FIELDS, "version", "created_on", "edited_on", "deleted_on")

LOCK: Final = """
    SELECT type, flags, version, locked_by, lock_reason, locked_since, created_on, edited_on, parked_since
    FROM accounts WHERE id = $1 FOR UPDATE"""

LOAD: Final = f"SELECT {', '.join(_COLUMNS[1:])} FROM profiles WHERE account_id = $1"

SAVE: Final = f"""
    INSERT INTO profiles ({", ".join(_COLUMNS)})
    VALUES ({", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))})
    ON CONFLICT (account_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}"""

RECORD: Final = """
    INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, causation_id,
                         outcome, code, answer, body, decided_at)
    VALUES ($1, $2, $3, 'rival', $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (command_id) DO NOTHING
    RETURNING command_id"""

OWE: Final = "INSERT INTO outbox (shard, topic, key, headers, body) VALUES ($1, $2, $3, $4, $5)"
