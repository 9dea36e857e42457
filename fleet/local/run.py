"""`fleet local`: start everything, prove that it works, say where to look, stop cleanly."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from fleet.local import demo
from fleet.local.credentials import service_token
from fleet.local.services import plan, worker_troubles
from fleet.local.settings import LocalSettings
from fleet.settings import Settings
from sandbox.local.console import as_shell_variables, say
from sandbox.local.folder import broken
from sandbox.local.service import CannotStart
from sandbox.local.supervisor import Supervisor

RENEW_SECONDS = 1800

WELCOME = """
The fleet is ready ({seconds:.0f} s): a command has gone through Kafka into PostgreSQL and back.

  Dashboard API   {DASHBOARD_URL}/client/v4
  iAPI Gateway    {IAPI_URL}/internal/v1
  Webhooks        {WEBHOOKS_URL}/webhooks
  Stripe double   {SANDBOX_URL}
  Braintree double {BRAINTREE_SANDBOX_URL}
  metrics         {metrics}
  logs            {logs}

A first request, in another terminal:

  source {env_file}
  curl -s "$DASHBOARD_URL/client/v4/accounts/$DEMO_ACCOUNT_ID/billing/profile" \\
    -H "Authorization: Bearer $DASHBOARD_TOKEN" -H "Content-Type: application/json" \\
    -d '{{"first_name": "Ada", "last_name": "Lovelace", "address": "12 St James Square",
         "city": "London", "zipcode": "SW1Y 4LB", "country": "GB", "billing_email": "ada@example.com"}}'

It shows up as a Stripe customer at {SANDBOX_URL}. $IAPI_TOKEN is good for an hour: {env_file}
is renewed in time, a shell is not, so source it again. Ctrl-C stops everything; the data stays.
"""


def run_local() -> int:
    """Run until Ctrl-C, SIGTERM or a closed terminal; the exit status, 2 when it can't run here."""
    settings = LocalSettings()
    _check(settings)
    settings.local_env_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_run(settings))
    except CannotStart as problem:
        say(str(problem))
        return 2
    return 0


def _check(settings: LocalSettings) -> None:
    """What only the fleet's processes read is looked at before anything is started. Raises `MistypedError`."""
    told: dict[str, Any] = {name.lower(): value for name, value in settings.environment().items()}
    Settings(**told)


async def _run(settings: LocalSettings) -> None:
    started, fleet = time.monotonic(), _reach(settings)

    async def when_ready() -> None:
        try:
            await demo.accounts(fleet)
        except TimeoutError:
            what = (
                "seems to hold data that the fleet cannot go on from: everything started, but a first command did "
                f"not go through within {demo.PATIENCE:.0f} s (logs: {settings.local_data / 'logs'})"
            )
            troubles = "".join(f"{line}\n" for line in await worker_troubles(settings))
            advice = broken(settings.local_data, what, data=settings.local_data)
            raise CannotStart(f"{troubles}{advice}") from None
        made = await demo.tokens(fleet.database_url, fleet.service_keys)
        variables = {**settings.entry_points(), **made, **settings.environment()}
        _write(settings, variables)
        renewing.append(asyncio.create_task(_renew(settings, variables)))
        _welcome(settings, variables, time.monotonic() - started)

    renewing: list[asyncio.Task[None]] = []
    try:
        data, services = settings.local_data, plan(settings)
        supervisor = Supervisor(services, data=data, when_claimed=lambda: _take_away(settings))
        await supervisor.run(when_ready=when_ready)
    finally:
        for task in renewing:
            task.cancel()
            settings.local_env_file.unlink(missing_ok=True)


def _reach(settings: LocalSettings) -> demo.Reach:
    connections = settings.stack.connections()
    return demo.Reach(
        database_url=connections["DATABASE_URL"],
        kafka_bootstrap=connections["KAFKA_BOOTSTRAP"],
        iapi_url=settings.url(settings.iapi_port),
        service_keys=settings.service_keys,
    )


async def _renew(settings: LocalSettings, variables: dict[str, str]) -> None:
    """Service tokens live an hour: whoever reads the file again has a good one."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        _write(settings, {**variables, "IAPI_TOKEN": service_token(settings.service_keys)})


def _write(settings: LocalSettings, variables: dict[str, str]) -> None:
    whole = settings.local_env_file.with_suffix(".tmp")
    whole.touch(mode=0o600)
    whole.write_text(as_shell_variables(variables))
    whole.replace(settings.local_env_file)


def _take_away(settings: LocalSettings) -> None:
    """What a killed run on the same data left; where another run has its data elsewhere and the same file, it stays."""
    ours = as_shell_variables({"SERVICE_KEYS": str(settings.service_keys)})
    with suppress(FileNotFoundError):
        if ours in settings.local_env_file.read_text():
            settings.local_env_file.unlink()


def _welcome(settings: LocalSettings, variables: dict[str, str], seconds: float) -> None:
    ports = (settings.commands_worker_port, settings.bulk_worker_port, settings.effects_worker_port)
    say(
        WELCOME.format(
            **variables,
            seconds=seconds,
            metrics=", ".join(f"{settings.url(port)}/metrics" for port in ports),
            logs=settings.local_data / "logs",
            env_file=settings.local_env_file,
        )
    )
