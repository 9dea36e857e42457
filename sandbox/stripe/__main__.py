"""`python -m sandbox.stripe`: the double on a port of this machine."""

import argparse
import sys
from pathlib import Path

from sandbox.stripe.limits import Limits
from sandbox.stripe.server import serve
from sandbox.stripe.store import StoreUnusable
from sandbox.stripe.webhook_endpoints import PAYLOADS
from sandbox.stripe.world import API_KEY, Options, Webhook


def main() -> None:
    """Reads the options and serves; a taken port or a bad folder is a sentence and exit status 1."""
    given = _parser().parse_args()
    limits = Limits(account=given.rate, endpoint=given.endpoint_rate)
    webhook = None
    if given.webhook_url:
        webhook = Webhook(given.webhook_url, given.webhook_secret, given.webhook_payload)
    options = Options(given.api_key, limits, given.search_lag, webhook)
    try:
        serve(given.data, options, host=given.host, port=given.port)
    except StoreUnusable as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{given.host}:{given.port} cannot be used: {error.strerror or error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.stripe", description="A stateful double of Stripe."
    )
    parser.add_argument("--port", type=int, default=8090, help="port to listen on; 0 for a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; the control API has no password"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the state over restarts")
    parser.add_argument("--api-key", default=API_KEY, help="the one secret key that is accepted")
    parser.add_argument("--rate", type=float, default=100, help="requests a second in all; 0 for no limit")
    parser.add_argument(
        "--endpoint-rate", type=float, default=25, help="requests a second an endpoint; 0 for no limit"
    )
    parser.add_argument("--search-lag", type=float, default=1.0, help="seconds that search is behind")
    parser.add_argument("--webhook-url", help="where every event is delivered to, from the start")
    parser.add_argument("--webhook-secret", help="what that is signed with; without one, a new one")
    parser.add_argument(
        "--webhook-payload", choices=PAYLOADS, default=PAYLOADS[0], help="events with their object, or thin"
    )
    return parser


if __name__ == "__main__":
    main()
