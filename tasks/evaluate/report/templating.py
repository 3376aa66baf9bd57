"""The templates of page and card; a name that is not there is an error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"


def render(name: str, filters: Mapping[str, Callable[..., Any]], values: Mapping[str, Any], **how: Any) -> str:
    """Returns a template filled in; `how` says how values become safe in its language."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **how,
    )
    environment.filters |= filters
    return environment.get_template(name).render(values)
