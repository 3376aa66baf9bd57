"""A program that teaches: asked once about each sample, within a time, and watched for changes."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.errors import DataError, StageError
from tasks.distill.teachers.answer_log import AnswerLog
from tasks.distill.teachers.command import confirm
from tests.distill.teachers.conftest import PROGRAM, section

SAMPLES = 120 + 60 + 90
READS = "import json, sys\nlines = [json.loads(line) for line in sys.stdin]\n"
WRONG = {
    "hangs": (
        "import time\ntime.sleep(60)\n",
        {"seconds": 1.0},
        r"`seconds`: expected answers within 1 seconds, got none",
    ),
    "dies": ("import sys\nsys.exit('no key for the service')\n", {}, "exit code 1.*no key for the service"),
    "prints garbage": (READS + "print('Sure! Here is the answer')\n", {}, "a line that is no answer: Sure!"),
    "prints what is not finite": (
        READS + 'for one in lines: print(\'{"id": "%s", "logits": [1, NaN, 2]}\' % one[\'id\'])\n',
        {},
        "numbers that are not finite",
    ),
    "leaves one out": (
        READS + "for one in lines[1:]: print(json.dumps({'id': one['id'], 'logits': [1, 2, 3]}))\n",
        {},
        "none for 1 of .*`train-0`",
    ),
    "answers one twice": (
        READS + "for one in [*lines, lines[0]]: print(json.dumps({'id': one['id'], 'logits': [1, 2, 3]}))\n",
        {},
        "an answer to a sample twice",
    ),
    "answers too little": (
        READS + "for one in lines: print(json.dumps({'id': one['id'], 'logits': [1, 2]}))\n",
        {},
        "expected 3 outputs.*got 2; say in `teacher.classes`",
    ),
    "answers otherwise than it was asked": (
        READS + "for one in lines: print(json.dumps({'id': one['id'], 'logits': [0.2, 0.3, 0.5]}))\n",
        {},
        "say `gives: probabilities`",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_program_that_does_not_answer_is_one_message(world: Any, mistake: str) -> None:
    text, said, expected = WRONG[mistake]
    with pytest.raises((StageError, DataError), match=expected) as refused:
        world.make(**world.program(text, **said))
    assert len(str(refused.value).splitlines()) == 1


def test_what_a_hanging_program_started_ends_with_it(world: Any) -> None:
    started = time.monotonic()
    text = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    with pytest.raises(StageError, match="expected answers within 1 seconds"):
        world.make(**world.program(text, seconds=1.0))
    assert time.monotonic() - started < 20


def test_a_second_time_only_canaries_are_asked(world: Any) -> None:
    said = world.program(canaries=3)
    first = world.make("one", **said)
    assert sorted(set(world.asked())) == sorted(world.table().id)
    again = world.make("two", **said)
    assert world.asked() == ["train-0", "train-1", "train-2"]
    assert first.seconds is not None
    assert again.seconds is None
    assert np.array_equal(world.logits(first.network), world.logits(again.network))


def test_without_canaries_nothing_is_asked_a_second_time(world: Any) -> None:
    said = world.program(canaries=0)
    world.make("one", **said)
    world.asked()
    world.make("two", **said)
    assert world.asked() == []


def test_what_was_answered_before_a_crash_is_not_asked_again(world: Any) -> None:
    dies = PROGRAM.replace("    one = json", '    if line.startswith(\'{"id": "test-3"\'): sys.exit(3)\n    one = json')
    said = world.program(dies, canaries=0)
    with pytest.raises(StageError, match="what was answered until then is stored and not asked again"):
        world.make("one", **said)
    answered = len(world.asked())
    log = next(world.folder.glob("store/*/answers.jsonl"))
    log.write_bytes(log.read_bytes() + b'{"key": "00ff')  # as a kill in the middle of a line leaves it
    world.make("two", **world.program(canaries=0))
    assert len(world.asked()) < SAMPLES - answered + 64
    assert all(json.loads(line) for line in log.read_bytes().splitlines())


def test_answers_in_a_folder_of_the_project_are_not_asked_again_where_the_state_is_new(world: Any) -> None:
    said = world.program(canaries=0, answers="answers")
    world.make("one", **said)
    world.asked()
    shutil.rmtree(world.folder / "store")
    (log,) = world.folder.glob("answers/*")
    assert [path.name for path in log.iterdir()] == ["answers.jsonl"], "nothing else would become a version"
    world.make("two", **said)
    assert world.asked() == []


@pytest.mark.parametrize("link", ["soft", "hard"])
def test_the_object_in_a_cache_that_answers_are_a_link_to_stays_as_it_is(tmp_path: Path, link: str) -> None:
    cached, log = tmp_path / "cached", AnswerLog(tmp_path / "log" / "answers.jsonl")
    AnswerLog(cached).add([b"a"], [[1.0]])
    before = cached.read_bytes()
    cached.chmod(0o444)
    log.path.parent.mkdir()
    (log.path.symlink_to if link == "soft" else log.path.hardlink_to)(cached)
    log.add([b"b"], [[2.0]])
    assert log.read() == {b"a": [1.0], b"b": [2.0]}
    assert cached.read_bytes() == before


def test_an_attempt_that_fails_is_made_again(world: Any) -> None:
    once = (
        "import pathlib, sys\nif not pathlib.Path('tried').exists():\n    pathlib.Path('tried').touch(); sys.exit(1)\n"
    )
    made = world.make(**world.program(once + PROGRAM, retries=1))
    assert np.abs(world.logits(made.network) - world.logits(world.network)).max() < 1e-5


def test_an_answerer_that_has_changed_is_caught_by_its_canaries(world: Any) -> None:
    said = world.program()
    world.make("one", **said)
    answers = json.loads((world.folder / "answers.json").read_text())
    changed = {one: values[::-1] for one, values in answers.items()}
    (world.folder / "answers.json").write_text(json.dumps(changed))
    for ask in (lambda: world.make("two", **said), lambda: confirm(section(**said), world.work("three"))):
        with pytest.raises(StageError, match=r"`canaries`: expected for `train-\d` what it answered before.*version"):
            ask()
    world.asked()
    world.make("four", **{**said, "version": 2})
    assert len(world.asked()) == SAMPLES


def test_a_program_that_is_not_there_is_named_before_anything_runs(world: Any) -> None:
    with pytest.raises(DataError, match="a program that is there, got `no-such-program`"):
        world.look(kind="command", command=["no-such-program"])


def test_pictures_are_sent_as_png(world: Any) -> None:
    text = (
        READS + "import base64, io\nfrom PIL import Image\n"
        "for one in lines:\n"
        "    size = Image.open(io.BytesIO(base64.b64decode(one['picture']))).size\n"
        "    print(json.dumps({'id': one['id'], 'logits': [*size, 1]}))\n"
    )
    made = world.make(**world.program(text, sends="picture"))
    assert (world.logits(made.network) == [8, 8, 1]).all()


def test_a_program_may_name_its_outputs(world: Any) -> None:
    text = READS + (
        "said = {'tree': 0.5, 'bush': 0.3, 'ash': 0.2}\n"
        "for one in lines: print(json.dumps({'id': one['id'], 'probabilities': said}))\n"
    )
    said = world.program(text, gives="probabilities", classes={"tree": "birch", "ash": "ash", "bush": "cedar"})
    parts = np.exp(world.logits(world.make(**said).network))
    assert np.allclose(parts, [0.2, 0.5, 0.3])
