import pytest
import torch

from benchmarks.step import fresh_network, step_of
from benchmarks.threads import NETWORKS, SharedStep, limit_in_words, lost_by, table
from params.training import Training
from tasks.training.distributed.threads import SHARED_STEP


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_moves_the_weights(name: str) -> None:
    architecture, picture = NETWORKS[name]
    network = fresh_network(architecture, picture)
    before = [weight.clone() for weight in network.parameters()]
    step_of(network, Training(epochs=1, batch_size=4), picture)()
    assert not any(torch.equal(was, now) for was, now in zip(before, network.parameters(), strict=True))


SMALL, MIDDLE = SharedStep("small", 1_000_000, 1.0, 2.0), SharedStep("middle", 100_000_000, 1.0, 0.9)
LARGE = SharedStep("large", 1_000_000_000, 1.0, 0.5)


def test_the_limit_is_the_one_by_which_the_least_time_is_lost() -> None:
    steps = (SMALL, MIDDLE, LARGE)
    assert lost_by(100e6, steps) == pytest.approx(1)  # middle and large are shared, small is not
    assert lost_by(0, steps) == pytest.approx(2 ** (1 / 3))  # all are shared: small takes twice as long
    assert lost_by(float("inf"), steps) == pytest.approx((2 / 0.9) ** (1 / 3))
    told = limit_in_words(steps)
    assert "80% of the time: 1,000 million" in told
    assert "least is lost: 100 million, 0.0% lost" in told
    assert f"the limit that is set, {SHARED_STEP / 1e6:,.0f} million: {lost_by(SHARED_STEP, steps) - 1:.1%}" in told


def test_where_sharing_never_pays_it_says_so() -> None:
    told = limit_in_words((SMALL,))
    assert "none of them" in told


def test_the_table_has_ratios_of_all_threads_to_one() -> None:
    assert "| middle | 100.0 | 1,000.00 ms | 0.90 |" in table((SMALL, MIDDLE, LARGE), 2)
