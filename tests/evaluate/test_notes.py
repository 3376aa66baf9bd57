import pytest

from tasks.contracts.metrics import Interval
from tasks.contracts.scores import BatchTiming, ConstantScore, Score
from tasks.evaluate.notes import notes_on
from tasks.kinds.limits import deciding

LOSS = Interval(value=-0.03, low=-0.05, high=-0.01)
LEARNED = Interval(value=0.5, low=0.4, high=0.6)
EVEN = Interval(value=0.0, low=-0.01, high=0.01)


def made_up(name: str, accuracy: float = 0.9, parameters: int = 100) -> Score:
    near = Interval(value=accuracy, low=accuracy - 0.01, high=accuracy + 0.01)
    numbers = {"size": 1, "p50_ms": 1, "p95_ms": 1, "p99_ms": 1, "parity": 0, "parameters": parameters}
    batch = BatchTiming(batch_size=2, p50_ms=1)
    return Score.model_validate(
        {"name": name, "metrics": {"accuracy": near}, "agreement": near, "batch": batch, **numbers}
    )


def notes(
    gain: Interval = EVEN, learned: Interval = LEARNED, independent: int = 100, **student: float
) -> tuple[str, ...]:
    scores = (made_up("teacher", parameters=1000), Score.model_validate(made_up("student", **student)))  # type: ignore[arg-type]
    constant = ConstantScore(words="always answering [b]cat", metrics={}, gains={"accuracy": learned})
    return notes_on(deciding("classification"), scores, {"accuracy": gain}, constant, independent)


def test_when_all_is_well_nothing_is_noted() -> None:
    assert notes() == ()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"gain": Interval(value=-0.03, low=-0.05, high=-0.01)},
            "student is worse than its baseline: accuracy -3.00 points",
        ),
        ({"independent": 1}, "intervals say little: the test samples are 1 independent draw, of samples or"),
        ({"parameters": 1000}, "not smaller than its teacher"),
        ({"accuracy": 0.99}, "the teacher is worse than its student: accuracy 90.00 % against 99.00 %"),
        (
            {"learned": EVEN},
            "not better than always answering [b]cat: accuracy +0.00 points (-1.00 to +1.00)",
        ),
    ],
)
def test_what_is_not_as_one_would_wish_is_noted(found: dict[str, object], said: str) -> None:
    (note,) = notes(**found)  # type: ignore[arg-type]
    assert said in note
