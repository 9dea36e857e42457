"""The page of the double: what it shows, and that its forms do what they say."""

import httpx

from sandbox.stripe.driver import Driver


def test_the_page_shows_customers_requests_and_faults(raw: httpx.Client, double: Driver) -> None:
    made = raw.post("/v1/customers", data={"name": "Ada", "email": "ada@example.com"}).json()
    double.fault("lock_timeout", path="/v1/colours")
    page = raw.get("/").text
    for shown in (made["id"], "Ada", "ada@example.com", "POST /v1/customers", "lock_timeout", "/v1/colours"):
        assert shown in page


def test_what_only_a_screen_reader_is_told_makes_no_narrow_window_scroll(raw: httpx.Client) -> None:
    """It is placed within the table that scrolls by itself, not within the page."""
    style = raw.get("/").text.partition("</style>")[0]
    assert ".hidden { position: absolute;" in style
    assert ".scroll { position: relative; overflow-x: auto;" in style


def test_what_strangers_wrote_is_shown_as_text(raw: httpx.Client) -> None:
    raw.post("/v1/customers", data={"name": "<script>alert(1)</script>"})
    page = raw.get("/").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_form_adds_a_fault_and_another_clears_it(raw: httpx.Client, double: Driver) -> None:
    form = {
        "kind": "slow",
        "method": "POST",
        "path": "",
        "nth": "2",
        "times": "0",
        "probability": "1",
        "seconds": "",
    }
    added = raw.post("/_sandbox/page/add-fault", data=form)
    assert (added.status_code, added.headers["location"]) == (303, "/#faults")
    (fault,) = double.faults()
    assert (fault["kind"], fault["method"], fault["nth"], fault["times"]) == ("slow", "POST", 2, None)
    raw.post(f"/_sandbox/page/clear-faults?id={fault['id']}")
    assert double.faults() == []


def test_a_form_that_makes_no_sense_is_answered_with_the_page_and_a_sentence(raw: httpx.Client) -> None:
    answer = raw.post("/_sandbox/page/add-fault", data={"kind": "slow", "path": "("})
    assert answer.status_code == 400
    assert "path is no regular expression" in answer.text
