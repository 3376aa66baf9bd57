"""What may be enrolled as a name."""

import re
import unicodedata

from ..errors import WrongInputError

LONGEST = 100
_NEVER = r"\x00-\x1f\x7f-\x9f/\\\u2028-\u202e\u2066-\u2069\ufeff\ufffd"
"""control characters, separators of paths, marks that turn the direction of writing, the replacement of broken bytes"""
PATTERN = rf"^[^\s.{_NEVER}](?:[^{_NEVER}]{{0,{LONGEST - 2}}}[^\s{_NEVER}])?$"
"""also for who reads it as JSON Schema"""
_NAME = re.compile(PATTERN)
_HALVES = re.compile(r"[\ud800-\udfff]")
"""of characters: what a command is given in bytes that are no UTF-8"""


def checked_name(name: str) -> str:
    """Returns a name in Unicode's composed form (NFC), so that one that looks the same is the same.

    Raises:
        WrongInputError: it is empty or too long, begins with a point, begins or ends with a space, or has a control
            character or a slash.
    """
    if _NAME.fullmatch(name) is None or _HALVES.search(name):
        raise WrongInputError(
            f"`name`: expected 1 to {LONGEST} characters, no slash and none that does not print among them, no point"
            f" first, no space at either end, got {name[: LONGEST + 1]!r}; give another"
        )
    return unicodedata.normalize("NFC", name)
