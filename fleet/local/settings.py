"""Ports and folders of the local stack, movable by the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fleet.environment import Environment
from sandbox.local.stack import LocalStack

LocalPort = Annotated[int, Field(ge=1, le=65535)]
"""One that can be told in advance: whoever starts the stack is told where to look."""
ROOT = Path(__file__).parent.parent.parent
WEBHOOK_SECRET = "whsec_local_sandbox"  # noqa: S105 - of the double on this machine


class LocalSettings(Environment):
    """Each field is an environment variable: `DASHBOARD_PORT=9080 make run`."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    local_data: Path = ROOT / ".local" / "run"
    local_env_file: Path = ROOT / ".local" / "run.env"
    postgres_port: LocalPort = 54320
    redis_port: LocalPort = 56379
    kafka_port: LocalPort = 59092
    kafka_controller_port: LocalPort = 59093
    dashboard_port: LocalPort = 8080
    iapi_port: LocalPort = 8081
    webhooks_port: LocalPort = 8083
    sandbox_port: LocalPort = 8090
    braintree_port: LocalPort = 8091
    commands_worker_port: LocalPort = 9101
    bulk_worker_port: LocalPort = 9102
    effects_worker_port: LocalPort = 9103

    @property
    def stack(self) -> LocalStack:
        """The three servers."""
        return LocalStack(
            data=self.local_data,
            postgres_port=self.postgres_port,
            redis_port=self.redis_port,
            kafka_port=self.kafka_port,
            kafka_controller_port=self.kafka_controller_port,
        )

    @property
    def service_keys(self) -> Path:
        """The iAPI callers' public keys."""
        return self.local_data / "service-keys.json"

    def url(self, port: int) -> str:
        """Where a local HTTP server is."""
        return f"http://127.0.0.1:{port}"

    def entry_points(self) -> dict[str, str]:
        """Where a person goes, as shell variables."""
        return {
            "DASHBOARD_URL": self.url(self.dashboard_port),
            "IAPI_URL": self.url(self.iapi_port),
            "WEBHOOKS_URL": self.url(self.webhooks_port),
            "SANDBOX_URL": self.url(self.sandbox_port),
            "BRAINTREE_SANDBOX_URL": self.url(self.braintree_port),
        }

    def environment(self) -> dict[str, str]:
        """What the fleet's processes are told."""
        return {
            **self.stack.connections(),
            "SERVICE_KEYS": str(self.service_keys),
            "STRIPE_API_BASE": self.url(self.sandbox_port),
            "STRIPE_API_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "BRAINTREE_ENVIRONMENT": self.url(self.braintree_port),
            "BRAINTREE_MERCHANT_ID": "sandbox",
            "BRAINTREE_PUBLIC_KEY": "public_sandbox",
            "BRAINTREE_PRIVATE_KEY": "private_sandbox",
            "WEBHOOKS_PORT": str(self.webhooks_port),
            "DASHBOARD_PORT": str(self.dashboard_port),
            "IAPI_PORT": str(self.iapi_port),
        }
