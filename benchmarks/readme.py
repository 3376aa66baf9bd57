"""The README's tables, between markers, so that the command that measures is also the one that writes."""

from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def replace_table(name: str, text: str) -> None:
    """Puts `text` between `<!-- NAME -->` and `<!-- /NAME -->` in the README.

    Raises:
        ValueError: the markers are not there.
    """
    content = README.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in content or end not in content:
        raise ValueError(f"`{README}`: expected the markers {begin} and {end}, got none")
    before, _, rest = content.partition(begin)
    README.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
