"""What a file comes to on a stream: found once is found, everything else that is told is a false alarm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from params.audio.listen import Listen
from params.evaluate import Evaluate
from params.pipeline import Recipe
from params.promote import Gate
from tasks.contracts.scores import Listening
from tasks.contracts.words import listening_in_words
from tasks.core.errors import RecipeError
from tasks.data.fetch import fetch
from tasks.data.prepared.prepare import prepare
from tasks.evaluate.listening.det import draw_det
from tasks.evaluate.listening.judge import Found, listening, matched
from tasks.evaluate.listening.stream import Spoken, judging_stream
from tasks.registry.gate.judge import _heard
from tasks.runtime.listen.rules import DetectedWord, ListenRules
from tasks.runtime.preprocess.audio.clip import ClipFormat
from tasks.training.network import PreparedData
from tests.data.audio.sounds import RATE, write_words

CLIPS = ClipFormat(RATE, 4_000, 800, "refuse", "resample")
RULES = ListenRules(800, 2, 0.5, 4_000, ("unknown",))
SPOKEN = [Spoken(0, "up", 8_000, 12_000), Spoken(1, "down", 40_000, 44_000), Spoken(2, "unknown", 80_000, 84_000)]
LISTEN = Listen(minutes=1.5, gap_seconds=1.5, smooth=2, threshold=0.5, silent=("down", "flat"), noise=0.01)
PART = {"architecture": {"kind": "mlp", "hidden": [4]}, "training": {"epochs": 1}}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([("up", 12_800), ("down", 44_800)], Found(2, [0.1, 0.1], 0)),
        ([("up", 12_800), ("up", 13_600)], Found(2, [0.1], 1)),
        ([("down", 12_800)], Found(2, [], 1)),
        ([("up", 20_000), ("down", 39_999)], Found(2, [], 2)),
        ([("up", 82_000)], Found(2, [], 1)),
        ([], Found(2, [], 0)),
    ],
    ids=["both", "one twice", "another word", "too late and too early", "in a clip that is none", "nothing"],
)
def test_a_word_counts_once_and_in_time(told: list[tuple[str, int]], found: Found) -> None:
    assert matched([DetectedWord(word, 0.9, sample) for word, sample in told], SPOKEN, RULES, CLIPS) == found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    root = tmp_path_factory.mktemp("words")
    write_words(root / "words", 3)
    recipe = Recipe.model_validate(
        {
            "name": "words",
            "data": {
                "source": {"kind": "folder", "path": str(root / "words")},
                "reader": {"kind": "audio_folder", "sample_rate": RATE, "seconds": 0.5},
                "split": {"kind": "stratified", "validation": 0.2, "test": 0.4, "seed": 0},
            },
            "teacher": PART,
            "student": PART,
        }
    )
    fetch(recipe, root)
    prepare(recipe, root)
    return PreparedData.open_folder(root / "data/words/prepared")


def test_a_stream_is_made_of_test_clips_apart_from_each_other_and_the_same_for_a_seed(data: PreparedData) -> None:
    stream = judging_stream(LISTEN, RATE, data)
    sound = np.concatenate([*stream.pieces()])
    assert len(sound) == stream.samples == 90 * RATE
    assert np.array_equal(sound, np.concatenate([*judging_stream(LISTEN, RATE, data).pieces()]))
    assert {one.word for one in stream.spoken} == {"up", "down", "flat"}
    assert all(
        one.end + 0.5 * 1.5 * RATE <= two.start for one, two in zip(stream.spoken, stream.spoken[1:], strict=False)
    )
    loud = np.concatenate([sound[one.start : one.end] for one in stream.spoken]).std()
    assert loud > 5 * sound[: stream.spoken[0].start].std() > 0
    another = judging_stream(LISTEN.model_copy(update={"seed": 1}), RATE, data)
    assert [one.row for one in another.spoken] != [one.row for one in stream.spoken]


class ByLoudness:
    """Says `up` of every window in which something is."""

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        loud = np.abs(inputs["inputs"]).mean(axis=1)
        return {"logits": np.stack([-loud * 0, -loud * 0, (loud - 0.02) * 2_000], axis=1).astype(np.float32)}


@pytest.fixture(scope="module")
def found(data: PreparedData) -> Listening:
    return listening(Evaluate(listen=LISTEN), ByLoudness(), data)


def test_a_file_that_hears_up_in_every_sound_misses_nothing_and_makes_up_all_others(
    found: Listening, data: PreparedData
) -> None:
    spoken = judging_stream(LISTEN, RATE, data).spoken
    others = sum(one.word != "up" for one in spoken)
    assert (found.words, found.misses, found.false_alarms) == (len(spoken) - others, 0, others)
    assert found.false_alarms_per_hour.value == pytest.approx(others / (90 / 3_600))
    assert found.false_alarms_per_hour.low < found.false_alarms_per_hour.value < found.false_alarms_per_hour.high
    assert found.latency_s is not None
    assert -0.5 < found.latency_s < 0.5
    assert (found.hop, found.refractory, found.silent) == (800, 8_000, ("down", "flat"))


def test_no_threshold_of_the_curve_misses_less_than_a_lower_one(found: Listening) -> None:
    assert [*found.curve] == sorted(found.curve, key=lambda point: point.threshold)
    alarms = [point.false_alarms_per_hour for point in found.curve]
    assert min(alarms) <= found.false_alarms_per_hour.value <= max(alarms)


def test_the_report_draws_the_curve_and_says_it_in_words(found: Listening) -> None:
    assert b"false alarms per hour" in draw_det(found, "fp32").svg
    assert listening_in_words(found).startswith("misses 0.0 % (0.0 to ")


@pytest.mark.parametrize(("limits", "passed"), [({"miss_rate": 0.1}, True), ({"false_alarms_per_hour": 1.0}, False)])
def test_a_gate_bounds_misses_and_false_alarms(found: Listening, limits: dict[str, float], passed: bool) -> None:
    (check,) = _heard(Gate.model_validate(limits), found)
    assert check.passed == passed
    assert check.limit == next(iter(limits))


def test_a_recipe_without_a_word_to_hear_is_refused(data: PreparedData) -> None:
    silent = LISTEN.model_copy(update={"silent": ("up", "down", "flat")})
    with pytest.raises(RecipeError, match="expected words to hear"):
        listening(Evaluate(listen=silent), ByLoudness(), data)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"promote": {"edge": {"miss_rate": 0.1}}}, r"`promote.edge.miss_rate` needs `evaluate.listen`"),
        ({"evaluate": {"listen": {}}}, "`evaluate.listen` goes with readers of sound alone"),
    ],
)
def test_limits_on_a_stream_need_a_stream_of_sound(changed: dict[str, Any], said: str) -> None:
    digits = Path(__file__).parents[3] / "params/digits.yaml"
    with pytest.raises(ValueError, match=said):
        Recipe.model_validate({**yaml.safe_load(digits.read_text()), **changed})
