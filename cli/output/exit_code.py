"""Lets the exit code be ours after a Ctrl-C that was handled.

CPython remembers a KeyboardInterrupt that left code given as text, of which Prefect and pydantic make some, even where
it is caught later (seen with 3.11; since 3.8: bpo-41602, https://github.com/python/cpython/pull/21956). A process begun
with `-m` then ends by SIGINT, whatever exit code it asks for. Remove this when every Python that is supported passes
`test_the_exit_code_is_ours_wherever_ctrl_c_was_heard` without it.
"""


def forget_ctrl_c() -> None:
    """Evaluates text to its end, which makes CPython forget a KeyboardInterrupt that left another text."""
    eval("None")
