"""The breaker, on a clock of the test's own."""

from state.stripe.breaker import FAILURES, FIRST_REST, LONGEST_REST, PROBE_PATIENCE, Breaker


class Clock:
    """Seconds as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock, seed=1)
    for _ in range(FAILURES):
        breaker.failed()
    return breaker


def test_a_few_failures_hold_nobody_back() -> None:
    breaker = Breaker(clock=Clock(), seed=1)
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert breaker.admit() == 0


def test_a_success_starts_the_count_again() -> None:
    breaker = Breaker(clock=Clock(), seed=1)
    for _ in range(3 * FAILURES):
        breaker.failed()
        breaker.succeeded()
    assert breaker.admit() == 0


def test_an_open_breaker_says_how_long_to_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert 0.75 * FIRST_REST <= breaker.admit() <= 1.25 * FIRST_REST


def test_one_probe_goes_first_and_the_others_wait_for_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.25 * FIRST_REST
    assert breaker.held_for() == 0
    assert breaker.admit() == 0
    assert breaker.admit() == PROBE_PATIENCE
    breaker.succeeded()
    assert breaker.admit() == 0


def test_a_failed_probe_doubles_the_rest_up_to_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock)
    for rest in (4, 8, 16, 32, LONGEST_REST, LONGEST_REST):
        clock.now += 1000
        assert breaker.admit() == 0
        breaker.failed()
        assert 0.75 * rest <= breaker.held_for() <= 1.25 * rest


def test_failures_that_were_under_way_when_it_opened_do_not_lengthen_the_rest() -> None:
    clock = Clock()
    breaker = opened(clock)
    held = breaker.held_for()
    for _ in range(20):
        breaker.failed()
    assert breaker.held_for() == held


def test_a_probe_that_did_not_go_leaves_its_place_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1000
    breaker.admit()
    breaker.withdrawn()
    assert breaker.admit() == 0
