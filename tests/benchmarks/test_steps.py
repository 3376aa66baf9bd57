import pytest
import torch

from benchmarks.step import fresh_network, step_of
from benchmarks.threads import BATCHES, NETWORKS, SharedStep, limit_in_words, lost_by, table
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
    assert "80% of the time: 1,000 million." in told
    assert "the least is lost: from 100 million on; 0.0% lost" in told
    assert f"{SHARED_STEP / 1e6:,.0f} million on: {lost_by(SHARED_STEP, steps) - 1:.1%} lost." in told


@pytest.mark.parametrize(("step", "shared"), [(SMALL, "none"), (LARGE, "all")])
def test_where_sharing_never_or_always_pays_it_says_so(step: SharedStep, shared: str) -> None:
    told = limit_in_words((step,))
    assert f"the least is lost: {shared} of the sizes tried; 0.0% lost" in told
    assert "inf" not in told
    assert (": none of the sizes tried." in told) == (step is SMALL)


def test_the_table_has_ratios_of_all_threads_to_one_and_fits_a_terminal() -> None:
    longest = [SharedStep(f"{name}, {BATCHES[-1]}", 22_000_000_000, 1.5, 1.2) for name in NETWORKS]
    steps = (SMALL, MIDDLE, LARGE, *longest)
    lines = table(steps, 16).splitlines()
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("|")]
    assert ["middle", "100.0", "1,000.00", "0.90"] in rows
    assert len(rows) == len(steps) + 2
    assert len({len(line) for line in lines if line.startswith("|")}) == 1
    assert max(map(len, [*lines, *limit_in_words(steps).splitlines()])) <= 80
