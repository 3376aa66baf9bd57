import pytest
from prefect.states import Failed

from tasks.core.errors import BusyError, DataError, IntegrityError, RecipeError, RefusedError, StageError
from tasks.tracking.task import _worth_another_try


@pytest.mark.parametrize("error", [BusyError("busy"), ConnectionError("gone"), TimeoutError("slow")])
def test_what_may_pass_by_itself_is_tried_again(error: Exception) -> None:
    assert _worth_another_try(None, None, Failed(data=error))


@pytest.mark.parametrize(
    "error",
    [RecipeError(["no"]), DataError("no"), RefusedError("no"), IntegrityError("no"), StageError("no"), ValueError()],
)
def test_what_a_person_must_mend_is_not(error: Exception) -> None:
    assert not _worth_another_try(None, None, Failed(data=error))
