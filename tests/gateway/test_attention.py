"""When a device is visited: at once for something new, and never in a tight loop."""

from hypothesis import given
from hypothesis import strategies as st

from yikao_gateway.visits.attention import ATTEMPTS_MAX, Once, Pace, Watchful

PACE = Pace(reread_s=60.0, gone_s=3.0, eager_s=1.0)


class Life:
    """One device's attention on a time line."""

    def __init__(self) -> None:
        self.attention = Watchful(PACE)
        self.now_s = 1000.0

    def hears_for(self, seconds: float, every_s: float = 0.1) -> float | None:
        """Advertise for so long; return after how many seconds a visit was due, if at all."""
        for step in range(int(seconds / every_s) + 1):
            if self.attention.hear(self.now_s + step * every_s):
                self.now_s += step * every_s
                return step * every_s
        self.now_s += seconds
        return None

    def silent_for(self, seconds: float) -> None:
        self.now_s += seconds

    def visited(self, new_items: int = 0, *, failed: bool = False) -> None:
        self.attention.visited(self.now_s, new_items=new_items, failed=failed)


def test_a_new_device_is_visited_at_once() -> None:
    assert Life().hears_for(0) == 0.0


def test_after_something_new_it_is_asked_once_more_soon() -> None:
    life = Life()
    life.hears_for(0)
    life.visited(new_items=3)
    due = life.hears_for(10)
    assert due is not None
    assert 0.9 < due < 1.2


def test_a_meter_that_always_advertises_is_read_every_minute() -> None:
    life = Life()
    life.hears_for(0)
    life.visited(new_items=0)
    for _ in range(3):
        due = life.hears_for(100)
        assert due is not None
        assert 59 < due < 61
        life.visited()


def test_a_cuff_that_was_away_is_visited_at_once() -> None:
    life = Life()
    life.hears_for(0)
    life.visited(new_items=1)
    life.visited(new_items=0)
    life.silent_for(600)
    assert life.hears_for(10) == 0.0


def test_a_failing_device_is_left_alone_ever_longer() -> None:
    life = Life()
    life.hears_for(0)
    pauses = []
    for _ in range(8):
        life.visited(failed=True)
        due = life.hears_for(100)
        assert due is not None
        pauses.append(round(due))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_success_ends_the_long_pauses() -> None:
    life = Life()
    life.hears_for(0)
    for _ in range(5):
        life.visited(failed=True)
    life.visited(new_items=1)
    due = life.hears_for(10)
    assert due is not None
    assert due < 1.2


def test_a_hopeless_device_is_left_alone_until_a_person_acts() -> None:
    attention = Watchful(PACE)
    assert attention.hear(0.0)
    attention.visited(0.0, new_items=0, failed=True, hopeless=True)
    assert not any(attention.hear(float(second)) for second in range(1, 3000, 7))
    assert attention.hear(3000.0, person=True)
    attention.visited(3000.0, new_items=0, failed=True, hopeless=True)
    assert not attention.hear(3001.0, person=True), "a person does not make it a tight loop"
    assert attention.hear(3010.0, person=True)
    attention.visited(3010.0, new_items=1, failed=False)
    assert attention.hear(3012.0)


def test_what_looked_hopeless_is_tried_once_an_hour() -> None:
    """Without a person: that a bond was gone may have been a mistake, and nobody would know."""
    attention = Watchful(PACE)
    tried = []
    for second in range(10_000):
        if attention.hear(float(second)):
            tried.append(second)
            attention.visited(float(second), new_items=0, failed=True, hopeless=True)
    assert tried == [0, 3600, 7200]


@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.sampled_from(["new", "nothing", "failed"])), max_size=60
    )
)
def test_visits_are_never_closer_than_the_shortest_pause(
    story: list[tuple[float, str]],
) -> None:
    attention, now_s, last_s = Watchful(PACE), 0.0, float("-inf")
    for pause_s, outcome in story:
        now_s += pause_s
        if attention.hear(now_s):
            assert now_s - last_s >= PACE.eager_s
            attention.visited(now_s, new_items=outcome == "new", failed=outcome == "failed")
            last_s = now_s


def test_once_means_once_and_a_few_attempts() -> None:
    good = Once(PACE)
    assert good.hear(0.0)
    good.visited(0.0, new_items=0, failed=False)
    assert not good.hear(1000.0)
    bad = Once(PACE)
    attempts = 0
    for second in range(100):
        if bad.hear(float(second)):
            attempts += 1
            bad.visited(float(second), new_items=0, failed=True)
    assert attempts == ATTEMPTS_MAX
    hopeless = Once(PACE)
    hopeless.visited(0.0, new_items=0, failed=True, hopeless=True)
    assert hopeless.done
