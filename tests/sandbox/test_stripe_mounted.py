"""The double as a part of a larger application, beside other services of the sandbox."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.stripe.app import app
from sandbox.stripe.world import API_KEY


@pytest.mark.asyncio
async def test_the_double_works_below_any_path(tmp_path: Path) -> None:
    mounted = app(tmp_path)
    whole = Starlette(routes=[Mount("/stripe", app=mounted)])
    transport = httpx.ASGITransport(whole)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        made = (await client.post("/stripe/v1/customers", data={"name": "Ada"})).json()
        assert (await client.get(f"/stripe/v1/customers/{made['id']}")).json() == made
        assert (await client.get("/stripe/v1/customers")).json()["url"] == "/v1/customers"
        unknown = (await client.get("/stripe/v1/colours")).json()["error"]["message"]
        assert unknown.startswith("Unrecognized request URL (GET: /v1/colours)")
        (logged,) = (await client.get("/stripe/_sandbox/requests?status=404")).json()["requests"]
        assert logged["path"] == "/v1/colours"
        assert 'action="/stripe/_sandbox/page/add-fault"' in (await client.get("/stripe/")).text
        added = await client.post("/stripe/_sandbox/page/add-fault", data={"kind": "rate_limit"})
        assert added.headers["location"] == "/stripe/#faults"
    mounted.state.world.close()
