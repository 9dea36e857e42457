"""Everything that can be set, read once from the environment. `docs/settings.md` is made from here."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from fleet.environment import Brokers, Environment, LogLevel, Port, PostgresUrl, RedisUrl


class Settings(Environment):
    """Where the stores are and how large things may be. Each field is an environment variable."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    database_url: PostgresUrl = Field(
        "postgresql://postgres@127.0.0.1:5432/billing", description="PostgreSQL 16 or later."
    )
    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", description="Redis 6.2 or later; may be away.")
    kafka_bootstrap: Brokers = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port, comma separated."
    )
    kafka_session_seconds: float = Field(
        10.0, ge=1, description="How long a lane's worker may be silent before its partitions are taken over."
    )
    topic_replication: int = Field(1, ge=1, description="Replicas of topics that are created at start.")

    host: str = Field("127.0.0.1", description="Address on which everything listens.")
    dashboard_port: Port = Field(8080, description="The customers' Dashboard.")
    iapi_port: Port = Field(8081, description="The service-to-service gateway.")
    webhooks_port: Port = Field(8083, description="Where Stripe and Braintree send their webhooks.")
    worker_port: Port = Field(9100, description="Metrics and health of a worker process.")

    lane_workers: int = Field(
        2,
        ge=1,
        le=32,
        description="Workers of `commands`, each with a connection, per process; `facts` and `bulk` have one.",
    )
    lane_batch: int = Field(
        1000, ge=1, le=5000, description="Records in one transaction at most; 100 on `facts`, 50 on `bulk`."
    )
    lane_backlog: int = Field(
        4000, ge=1, description="Records buffered per worker before its partitions pause."
    )
    invalid_share: float = Field(0.5, gt=0, description="Share of invalid records that halts a lane.")

    outcome_wait_seconds: float = Field(10.0, gt=0, description="How long HTTP waits before it answers 202.")
    caller_requests_per_second: int = Field(100, ge=1, description="Requests per token or calling service.")
    account_requests_per_second: int = Field(
        20, ge=1, description="Requests per account over all its tokens."
    )
    address_requests_per_second: int = Field(5, ge=1, description="Requests without credentials per address.")
    address_failures_per_minute: int = Field(
        60, ge=1, description="Requests with a token that does not hold, or none, per address."
    )
    forwarded_allow_ips: str = Field(
        "",
        description="Proxies whose X-Forwarded-For is believed: addresses or networks, comma separated. Empty: nobody.",
    )
    service_keys: Path | None = Field(None, description="JSON file of the iAPI callers: keys and scopes.")

    stripe_api_key: SecretStr = Field(SecretStr("sk_test_sandbox"), description="Stripe's secret key.")
    stripe_api_base: str = Field("https://api.stripe.com", description="Where Stripe's API is.")
    stripe_requests_per_second: int = Field(100, ge=1, description="The fleet's budget over all endpoints.")
    stripe_endpoint_requests_per_second: int = Field(25, ge=1, description="The fleet's budget per endpoint.")
    stripe_webhook_secrets: SecretStr = Field(
        SecretStr(""),
        description="Signing secrets of the webhook endpoint, comma separated while one is rotated.",
    )
    braintree_environment: str = Field(
        "sandbox", description="`sandbox`, `production`, or the URL of a stand-in of Braintree's gateway."
    )
    braintree_merchant_id: str = Field("", description="Braintree's name of the merchant.")
    braintree_public_key: str = Field("", description="The public half of Braintree's API keys.")
    braintree_private_key: SecretStr = Field(
        SecretStr(""), description="The private half, which also signs Braintree's webhooks."
    )
    braintree_requests_per_second: int = Field(
        50, ge=1, description="The fleet's budget of requests to Braintree over all endpoints."
    )
    braintree_threads: int = Field(8, ge=1, description="Calls to Braintree at once in one process.")
    effects_concurrency: int = Field(16, ge=1, description="Effects performed at once by one process.")
    effects_lease_seconds: float = Field(
        60.0, ge=13, description="How long the work of a killed effects member waits for the next one."
    )

    payment_methods_per_account: int = Field(
        2, ge=1, le=100, description="Payment methods that an account may keep; one more is refused (1305)."
    )
    payment_methods_per_enterprise_account: int = Field(
        10, ge=1, le=100, description="The same for accounts of type `enterprise`."
    )

    sweep_every_hours: float = Field(
        24.0, ge=0, description="Between full sweeps of the processors; 0: only when asked for."
    )
    sweep_method_parts: int = Field(
        1,
        ge=1,
        description="Full sweeps that together list the payment methods of all accounts: a request each.",
    )
    sweep_recent_seconds: float = Field(
        60.0, gt=0, description="Between looks at what changed at Stripe, webhook or not."
    )
    sweep_round_seconds: float = Field(
        2.0,
        gt=0,
        description="Between looks at fifty accounts that pay by PayPal, all of them round and round.",
    )

    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
