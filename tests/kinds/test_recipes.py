import re
from collections.abc import Callable
from pathlib import Path

import pytest

from params.teacher import TrainedTeacher
from tasks.core.errors import RecipeError
from tasks.kinds.recipes import load_recipe

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "params" / "digits.yaml"
DIGITS = FILE.read_text()
Edit = Callable[[str], str]


def problems_of(folder: Path, text: str | bytes, *overrides: str) -> tuple[str, ...]:
    path = folder / "digits.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "params").glob("*.yaml")))
def test_every_recipe_of_the_repository_is_valid(name: str) -> None:
    assert load_recipe(PROJECT / "params" / f"{name}.yaml").name == name


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("temperature: 4", "temperatur: 4", "distill.temperatur", "did you mean `temperature`?"),
        ("temperature: 4", "temperature: 0", "distill.temperature", "greater than 0, got 0"),
        ("temperature: 4", "temperature: -1", "distill.temperature", "greater than 0, got -1"),
        ("temperature: 4", "temperature: '4'", "distill.temperature", "a valid number, got '4'"),
        ("temperature: 4", "temperature: .nan", "distill.temperature", "finite number"),
        ("alpha: 0.5", "alpha: 1.5", "distill.alpha", "less than or equal to 1, got 1.5"),
        ("alpha: 0.5", "alpha: -0.5", "distill.alpha", "greater than or equal to 0, got -0.5"),
        ("kind: resnet", "kind: resnett", "teacher.architecture", "`cnn`, `resnet`"),
        ("channels: [8, 16]", "channels: []", "student.architecture.channels", "at least 1 item"),
        ("channels: [8, 16]", "channels: 8", "student.architecture.channels", "a list, `[one, another]`, got 8"),
        (
            "distill:\n",
            "evaluate: {defer: 0.9}\n\ndistill:\n",
            "evaluate.defer",
            "fields with values, `{name: value}`, got 0.9",
        ),
        ("epochs: 60", "epochs: 1.5", "teacher.training.epochs", "a valid integer, got 1.5"),
        ("test: 0.334", "test: 0.9", "data.split", "leave nothing to train on"),
        (
            "stratified\n    validation: 0.1\n    test: 0.334",
            "official\n    validation: 0.2",
            "data",
            "does not go with",
        ),
        ("requires: staging", "requires: edge", "promote.edge.requires", "'staging'"),
        ("name: digits", "name: fashion", "name", "the name of the file"),
        ("seed: 0\n\ndata", "seed: 0\nseed: 1\n\ndata", "seed", "first on line 5"),
    ],
)
def test_a_mistake_is_named_by_field_with_what_was_expected(
    tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    assert old in DIGITS
    (problem,) = problems_of(tmp_path, DIGITS.replace(old, new, 1))
    assert f"`{field}`" in problem
    assert said in problem
    assert re.match(r"`.*digits\.yaml(:\d+)?`: ", problem)


def test_the_line_of_a_mistake_is_the_line_in_the_file(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, DIGITS.replace("alpha: 0.5", "alpha: 7"))
    line = next(n for n, text in enumerate(DIGITS.splitlines(), 1) if "alpha: 0.5" in text)
    assert f"digits.yaml:{line}`" in problem


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = DIGITS.replace("alpha: 0.5", "alpha: 2").replace("epochs: 60", "epochs: 0").replace("seed: 0", "sed: 0", 1)
    fields = {re.search(r"`: `([^`]+)`", problem).group(1) for problem in problems_of(tmp_path, text)}  # type: ignore[union-attr]
    assert fields == {"distill.alpha", "teacher.training.epochs", "sed"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "expected YAML"),
        ("- a\n- b\n", "a mapping of sections"),
        ("", "a mapping of sections"),
        ("just words", "a mapping of sections"),
        (b"name: \xff\xfe", "UTF-8"),
        ("a: &x [1]\nb: *x\n", "no aliases"),
        ("a: " + "[" * 20_000 + "]" * 20_000, "at most 32 levels"),
        ("a: !!python/object/apply:os.system ['true']", "expected YAML"),
        ("x: " + "y" * 300_000, "bytes"),
        ("a: 1\nb: 2\na: 3\n", "each key once"),
        ("? [1, 2]\n: 3\n", "expected"),
        ("name: digits\n\tseed: 1\n", "expected YAML"),
        ("name: \x00", "expected YAML"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_one_clear_message(tmp_path: Path, text: str | bytes, said: str) -> None:
    (problem, *_) = problems_of(tmp_path, text)
    assert said in problem


def test_an_alias_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (problem,) = problems_of(tmp_path, "\n".join(lines))
    assert "no aliases" in problem


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe(tmp_path / "nothing.yaml")
    with pytest.raises(RecipeError, match="a folder"):
        load_recipe(tmp_path)


def test_an_override_is_laid_over_the_file() -> None:
    recipe = load_recipe(PROJECT / "params" / "digits.yaml", ["distill.temperature=2", "student.training.epochs=3"])
    assert (recipe.distill.temperature, recipe.student.training.epochs) == (2.0, 3)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("distill.temperature", "section.field=value"),
        ("distill..alpha=1", "section.field=value"),
        ("name.x=1", "a section"),
        ("distill.alpha=9", "less than or equal to 1"),
        ("distill.beta=1", "unknown key"),
        ("distill.alpha=[", "YAML"),
        (
            "distill.objectives=[{kind: kl, wieght: 2}]",
            "`distill.objectives.0.wieght`: expected one of `kind`, `weight`",
        ),
        ("compress.candidates=[int7]", "`compress.candidates.0`: expected `kind` to be one of `prune`"),
        ("compress.candidates=[{kind: prune, kep: 1}]", "`compress.candidates.0.kep`: expected one of `kind`, `keep`"),
        ("compress.candidates=[fp16, [fp32, {kind: prune, kep: 1}]]", "`compress.candidates.1.1.kep`: expected one of"),
    ],
)
def test_a_wrong_override_is_named_as_it_was_typed(override: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(PROJECT / "params" / "digits.yaml", [override])
    assert override in str(caught.value)
    assert said in str(caught.value)


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS.replace("learning_rate: 0.003", "learning_rate: 3e-3").replace("epochs: 60", "epochs: 1_0"))
    teacher = load_recipe(path).teacher
    assert isinstance(teacher, TrainedTeacher)
    training = teacher.training
    assert (training.learning_rate, training.epochs) == (0.003, 10)


@pytest.mark.parametrize(
    ("override", "field", "told"),
    [
        ("promote.edge.quality.acuracy=0.9", "promote.edge.quality.acuracy", "did you mean `accuracy`?"),
        ("promote.staging.below_teacher.recall=0.1", "promote.staging.below_teacher.recall", "`recall.worst`?"),
        ("compress.limits.below_student.size=1", "compress.limits.below_student.size", "take one that is there"),
    ],
)
def test_a_metric_that_the_kind_of_task_does_not_have_is_refused_by_name(override: str, field: str, told: str) -> None:
    with pytest.raises(RecipeError) as error:
        load_recipe(FILE, [override])
    (problem,) = error.value.problems
    assert problem.startswith(f"`--set {override}`: `{field}`: expected a metric of classification, one of `accuracy`,")
    assert told in problem


def test_a_dotted_limit_may_be_typed_as_a_field_and_takes_the_place_of_that_in_the_file() -> None:
    recipe = load_recipe(FILE, ["promote.edge.quality.recall.worst=0.5"])
    assert recipe.promote.edge.quality == {"accuracy": 0.9, "recall.worst": 0.5}


def test_metrics_that_a_sweep_varies_are_looked_at_too() -> None:
    with pytest.raises(RecipeError, match="the unknown metric `f2`"):
        load_recipe(FILE, [], {"compress.limits.below_student": {"f2": 0.1}})
