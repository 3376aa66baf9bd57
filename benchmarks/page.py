"""The tables of `docs/benchmarks.md`, between markers: the command that measures is also the one that writes."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def replace_table(name: str, text: str) -> None:
    """Puts `text` between `<!-- NAME -->` and `<!-- /NAME -->` in the page.

    Raises:
        ValueError: the markers are not there.
    """
    content = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in content or end not in content:
        raise ValueError(f"`{PAGE}`: expected the markers {begin} and {end}, got none")
    before, _, rest = content.partition(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
