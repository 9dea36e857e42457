"""Every metric of the fleet: its name, labels, unit and meaning. `docs/metrics.md` is made from here.

Labels are bounded: types, outcomes, topics, partitions, endpoints; never an id of an account or command.
"""

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

# --- consumers ---------------------------------------------------------------------------------
LAG_MESSAGES: Final = Gauge(
    "billing_consumer_lag_messages",
    "Records not yet applied, by consumer group.",
    ["group", "topic", "partition"],
)
LAG_SECONDS: Final = Gauge(
    "billing_consumer_lag_seconds",
    "Age of the oldest record that was read and is not applied. In a halted lane what was not read counts too: since "
    "it halted, or since the last look at which nothing waited. 0 when there is none.",
    ["group", "topic", "partition"],
)
COMMANDS: Final = Counter(
    "billing_commands_total",
    "Messages decided, by type and outcome (applied, accepted, refused, parked, discarded).",
    ["lane", "type", "outcome"],
)
BATCH_SIZE: Final = Histogram("billing_batch_size", "Records in one transaction.", ["lane"], buckets=_SIZES)
BATCH_SECONDS: Final = Histogram(
    "billing_batch_duration_seconds",
    "One transaction from begin to commit; those that failed are in billing_batch_retries_total.",
    ["lane"],
    buckets=_FAST,
)
END_TO_END_SECONDS: Final = Histogram(
    "billing_end_to_end_seconds",
    "From the record's timestamp to the commit that applied it.",
    ["lane"],
    buckets=_FAST,
)
FENCE_REJECTIONS: Final = Counter(
    "billing_fence_rejections_total", "Batches of a partition refused because its cursor had moved.", ["lane"]
)
DEDUP_HITS: Final = Counter(
    "billing_dedup_hits_total",
    "Duplicates found, by the layer that found them (redis, batch, journal).",
    ["lane", "layer"],
)
BATCH_RETRIES: Final = Counter(
    "billing_batch_retries_total",
    "Transactions tried again, by cause (conflict, store_down, bisect, surprise).",
    ["lane", "cause"],
)
PAUSED: Final = Gauge(
    "billing_paused", "1 while a worker of the lane waits for a store that is down.", ["lane", "worker"]
)
HALTED: Final = Gauge(
    "billing_halted",
    "1 when the lane stopped: a large share of its stream is invalid, or a cursor stands outside of the log.",
    ["lane"],
)
DEAD_LETTERS: Final = Counter(
    "billing_dead_letters_total",
    "Records that could not be applied, by reason and by who has to act (publisher, support, on_call).",
    ["lane", "reason", "owner"],
)
REBALANCES: Final = Counter(
    "billing_rebalances_total", "Assignments and revocations of partitions.", ["lane", "event"]
)
ASSIGNED: Final = Gauge("billing_assigned_partitions", "Partitions this process works on.", ["lane"])
POLL_AGE_SECONDS: Final = Gauge(
    "billing_poll_age_seconds",
    "Seconds since the last successful poll. Reconciler and webhooks do not poll while a batch is in hand.",
    ["lane"],
)
RECORDS_LOST: Final = Counter(
    "billing_records_lost_total",
    "Records that the log dropped before a light consumer had read them; 1 for a log that was made anew.",
    ["group", "topic"],
)
COMMIT_FAILURES: Final = Counter(
    "billing_offset_commit_failures_total",
    "Lazy offset commits that Kafka refused; harmless by themselves.",
    ["lane"],
)
PARKED_ACCOUNTS: Final = Gauge(
    "billing_parked_accounts", "Accounts whose commands are set aside; counted up to 1,000."
)
PARKED_OLDEST_SECONDS: Final = Gauge(
    "billing_parked_oldest_seconds", "Age of the oldest parked account, of those that are counted."
)

# --- outbox and effects ------------------------------------------------------------------------
OUTBOX_DEPTH: Final = Gauge(
    "billing_outbox_depth",
    "Messages waiting to be published; from 1,000 in a shard on about so many, by the statistics of the table.",
)
OUTBOX_OLDEST_SECONDS: Final = Gauge(
    "billing_outbox_oldest_seconds", "Age of the oldest of the messages that are next to be published."
)
RELAYED: Final = Counter("billing_relayed_total", "Messages published from the outbox.", ["topic"])
RELAY_FAILURES: Final = Counter("billing_relay_failures_total", "Relay rounds that failed and were repeated.")
RELAY_SHARDS: Final = Gauge("billing_relay_shards", "Outbox shards this process owns.")
EFFECTS_BACKLOG: Final = Gauge(
    "billing_effects_backlog", "Effects not done, by target and state.", ["target", "state"]
)
EFFECTS_OLDEST_SECONDS: Final = Gauge(
    "billing_effects_oldest_seconds", "Age of the oldest effect not done.", ["target", "state"]
)
EFFECTS: Final = Counter(
    "billing_effects_total", "Attempts at effects, by result (done, failed, retry, lost).", ["kind", "result"]
)
EFFECT_SECONDS: Final = Histogram(
    "billing_effect_duration_seconds", "One attempt at an effect.", ["kind"], buckets=_FAST
)

# --- processors --------------------------------------------------------------------------------
BUDGET_WAIT_SECONDS: Final = Histogram(
    "billing_budget_wait_seconds",
    "Time waited for the fleet's shared budget of requests to a processor.",
    ["processor", "priority"],
    buckets=_FAST,
)
STRIPE_REQUESTS: Final = Counter(
    "billing_stripe_requests_total",
    "Requests to Stripe, by endpoint and status (a code, timeout, connection).",
    ["endpoint", "status"],
)
STRIPE_SECONDS: Final = Histogram(
    "billing_stripe_request_duration_seconds", "One request to Stripe.", ["endpoint"], buckets=_FAST
)
STRIPE_BREAKER: Final = Gauge("billing_stripe_breaker_open", "1 while requests to Stripe are held back.")
BRAINTREE_REQUESTS: Final = Counter(
    "billing_braintree_requests_total",
    "Requests to Braintree, by endpoint and status (a code, timeout, connection).",
    ["endpoint", "status"],
)
BRAINTREE_SECONDS: Final = Histogram(
    "billing_braintree_request_duration_seconds", "One request to Braintree.", ["endpoint"], buckets=_FAST
)
BRAINTREE_BREAKER: Final = Gauge(
    "billing_braintree_breaker_open", "1 while requests to Braintree are held back."
)
SYNC_STATES: Final = Gauge(
    "billing_stripe_sync_accounts",
    "Accounts by their sync to Stripe: `pending` and `failed` are counted; `synced` is about how many others have a "
    "Stripe side, by the statistics of the table.",
    ["state"],
)

# --- webhooks ----------------------------------------------------------------------------------
WEBHOOKS: Final = Counter(
    "billing_webhooks_total",
    "Webhooks that came in, by processor and result (taken, not_read, bad_signature, unreadable, not_taken).",
    ["source", "result"],
)
WEBHOOK_FACTS: Final = Counter(
    "billing_webhook_facts_total",
    "What webhooks came to: fact, ignored (about nothing of ours), waiting, dead (nobody's for too long).",
    ["source", "result"],
)
WEBHOOKS_WAITING: Final = Gauge(
    "billing_webhooks_waiting", "Webhooks of customers that no account is linked to (yet).", ["source"]
)
WEBHOOKS_WAITING_OLDEST_SECONDS: Final = Gauge(
    "billing_webhooks_waiting_oldest_seconds", "Age of the oldest webhook without an account.", ["source"]
)

# --- drift -------------------------------------------------------------------------------------
DRIFT_FIELDS: Final = Gauge(
    "billing_drift_fields",
    "Fields in which our store and a processor disagree, by part (the field without ids) and probable cause.",
    ["processor", "part", "cause"],
)
DRIFT_ACCOUNTS: Final = Gauge("billing_drift_accounts", "Accounts that disagree with a processor.")
DRIFT_CONFIRMED: Final = Counter(
    "billing_drift_confirmed_total", "Differences that were found a second time: the drift rate."
)
DRIFT_CLOSED: Final = Counter("billing_drift_closed_total", "Differences that are over.")
STRAY_CUSTOMERS: Final = Gauge(
    "billing_stripe_stray_customers", "Customers at Stripe that no account is linked to."
)
SWEPT_ACCOUNTS: Final = Counter(
    "billing_swept_accounts_total", "Accounts compared with Stripe by full sweeps."
)
SWEEP_AGE_SECONDS: Final = Gauge(
    "billing_sweep_age_seconds", "Since the beginning of the last full sweep that came to its end."
)
PAYPAL_ROUND_AGE_SECONDS: Final = Gauge(
    "billing_paypal_round_age_seconds",
    "Since the beginning of the last round over the accounts that pay by PayPal that came to its end.",
)

# --- PayPal fix --------------------------------------------------------------------------------
PAYPAL_MIGRATION_STEPS: Final = Counter(
    "billing_paypal_migration_steps_total",
    "Steps of PayPal migrations at Braintree, by the state they begin in and result (done, failed, waits).",
    ["step", "result"],
)
PAYPAL_METHODS: Final = Gauge(
    "billing_paypal_migration_methods", "PayPal methods by how far their migration has come.", ["state"]
)

SCHEDULED: Final = Counter(
    "billing_scheduled_total",
    "Commands that the clock published, duplicates of the same day included.",
    ["type"],
)

# --- HTTP --------------------------------------------------------------------------------------
HTTP_REQUESTS: Final = Counter(
    "billing_http_requests_total",
    "Answered requests, by route template.",
    ["surface", "method", "route", "status"],
)
HTTP_SECONDS: Final = Histogram(
    "billing_http_request_duration_seconds", "One request.", ["surface", "method", "route"], buckets=_FAST
)
HTTP_WAITING: Final = Gauge(
    "billing_http_waiting", "Requests waiting for the outcome of their command.", ["surface"]
)
OUTCOMES_BY: Final = Counter(
    "billing_outcomes_total",
    "How waiting callers learned the outcome (redis, journal, timeout).",
    ["surface", "how"],
)
RATE_LIMITED: Final = Counter("billing_rate_limited_total", "Requests refused for their rate.", ["surface"])
RATE_LIMIT_OPEN: Final = Counter(
    "billing_rate_limit_open_total", "Requests let through because Redis did not answer.", ["surface"]
)
REDIS_ERRORS: Final = Counter(
    "billing_redis_errors_total", "Redis calls that failed and were done without.", ["use"]
)

# --- units -------------------------------------------------------------------------------------
_SPOKEN: Final = ("seconds", "messages", "accounts", "partitions", "shards")
_UNSPOKEN: Final[Mapping[MetricWrapperBase, str]] = {
    BATCH_SIZE: "records",
    PAUSED: "0 or 1",
    HALTED: "0 or 1",
    OUTBOX_DEPTH: "messages",
    EFFECTS_BACKLOG: "effects",
    STRIPE_BREAKER: "0 or 1",
    BRAINTREE_BREAKER: "0 or 1",
    HTTP_WAITING: "requests",
    WEBHOOKS_WAITING: "webhooks",
    DRIFT_FIELDS: "fields",
    STRAY_CUSTOMERS: "customers",
    PAYPAL_METHODS: "payment methods",
}


def unit(metric: MetricWrapperBase) -> str:
    """What a metric counts in: the end of its name where that says it. Raises `KeyError` for one without."""
    name: str = metric._name
    last = name.rpartition("_")[2]
    if last in _SPOKEN:
        return last
    return "count" if isinstance(metric, Counter) else _UNSPOKEN[metric]
