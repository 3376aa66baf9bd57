"""What the ledger keeps of times at which there was nothing to do."""

import getpass
from pathlib import Path

import pytest

from tasks.registry.ledger.checks import add_check, checks


@pytest.mark.usefixtures("home")
def test_a_time_with_nothing_to_do_is_on_record_with_who_asked_and_why() -> None:
    add_check("digits", "f" * 64, "schedule", "nothing changed since yesterday")
    add_check("vowels", "0" * 64, "by hand", "nothing changed")
    (kept,) = checks("digits")
    assert (kept.fingerprint, kept.asked, kept.who) == ("f" * 64, "schedule", getpass.getuser())
    assert kept.reason == "nothing changed since yesterday"
    assert kept.time.tzinfo is not None


def test_a_ledger_from_before_there_were_such_times_takes_them(home: Path) -> None:
    from tasks.registry.ledger import database
    from tasks.registry.ledger.tables import CHECKS

    CHECKS.drop(database.engine())
    database.engine.cache_clear()
    add_check("digits", "f" * 64, "by hand", "nothing changed")
    assert [kept.recipe for kept in checks("digits")] == ["digits"]
