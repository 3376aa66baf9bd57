"""What the ledger keeps of times at which there was nothing to do."""

import getpass

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
