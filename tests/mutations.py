"""Recipes that are wrong in ways a person, an editor or a disk makes them: by their schema, and by their bytes.

By schema: a section or a field of pydantic's own JSON schema is lost, misspelt, moved, put too deep, out of its range,
of another type, or written anew as the schema allows it, sections that no recipe of the repository has among them.
"""

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import yaml

from params.pipeline import Recipe

Location = tuple[str | int, ...]
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -0.0, 0.5, 1e-320, 1e308, float("inf"), float("nan")),
    *(
        "",
        " ",
        "4",
        "0x10",
        "true",
        "null",
        "\u00e9\u4e2d\U0001f40d",
        "a\nb",
        "\x1b[31m",
        "x" * 3_000,
        "../../etc",
        "{kind: cnn}",
    ),
    *([], {}, [[]], [None], {"": 1}, {"kind": "nothing"}, {"kind": []}, {"kind": None}, {"a.b": {"c": 1}}, [0] * 200),
)
SCRAPS = (
    *(b"&a ", b"*a", b"!!x ", b"!!binary ", b"!!set ", b"[", b"]", b"{", b"}", b": ", b"\t", b"- ", b"'", b'"', b"\n"),
    *(
        b"#",
        b"|",
        b">",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
        b"<<: ",
        b"? ",
        b"1e999",
        b"0o7",
        b"2026-11-01",
        b"12:30:45",
    ),
    *(
        b"\x00",
        b"\x1b",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\xef\xbb\xbf",
        b"\r",
        b"\\x",
    ),
)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp037", "utf-7")


@cache
def schema() -> dict[str, Any]:
    """Returns the JSON schema of a recipe."""
    return Recipe.model_json_schema()


def by_schema(recipe: dict[str, Any], draw: random.Random) -> bytes:
    """Returns a recipe with one to three of its values changed."""
    value = json.loads(json.dumps(recipe))
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice((_odd, _out_of_range, _lost, _misspelt, _swapped, _deep, _as_allowed, _as_allowed))(value, draw)
    return yaml.dump(value, Dumper=DUMPER, sort_keys=False, allow_unicode=True, encoding="utf-8")


def by_bytes(text: bytes, draw: random.Random) -> bytes:
    """Returns a file with some of its bytes or lines flipped, lost, put in, doubled, or in another encoding."""
    changed = bytearray(text)
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(changed) + 1), draw.randint(1, 12)
        match draw.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del changed[at : at + length]
            case 2 | 3:
                changed[at:at] = draw.choice(SCRAPS)
            case 4:
                lines = changed.splitlines(keepends=True)
                lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines or [bytearray(b"a")]))
                changed = bytearray(b"".join(lines))
            case 5 if draw.random() < 0.3:
                changed = changed[:at]
            case 6 if draw.random() < 0.3:
                said = changed.decode("utf-8", "replace")
                changed = bytearray(said.encode(draw.choice(ENCODINGS), "replace"))
    return bytes(changed)


def drawn(asked: Any, draw: random.Random, depth: int = 0) -> Any:
    """Returns a value that a part of the schema allows, or nearly: ranges are met at their ends."""
    asked = resolved(asked)
    if "const" in asked:
        return asked["const"]
    if choices := asked.get("enum") or asked.get("oneOf") or asked.get("anyOf"):
        choice = draw.choice(choices)
        return choice if "enum" in asked else drawn(choice, draw, depth)
    match asked.get("type"):
        case "object":
            return _drawn_section(asked, draw, depth)
        case "array":
            least = asked.get("minItems", 0)
            return [drawn(asked.get("items", {}), draw, depth + 1) for _ in range(least + draw.randrange(3))]
        case "integer" | "number":
            return draw.choice(_ends(asked))
        case "boolean":
            return draw.random() < 0.5
        case "string":
            return draw.choice(("digits", "a", "0" * 64, "x.y:z", "https://example.org/a", "layer1", ""))
        case _:
            return draw.choice(ODD)


def resolved(asked: Any) -> dict[str, Any]:
    """Follows a reference of the schema."""
    while "$ref" in asked:
        asked = schema()["$defs"][asked["$ref"].rsplit("/", 1)[-1]]
    return cast(dict[str, Any], asked)


def places(value: Any, asked: Any, location: Location = ()) -> Iterator[tuple[Location, dict[str, Any]]]:
    """Yields where something is in a recipe, and what the schema asks of it; nothing where it knows no such place."""
    asked = _member(resolved(asked), value)
    yield location, asked
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        known = asked.get("properties", {}).get(key) if isinstance(key, str) else asked.get("items")
        yield from places(item, known or {}, (*location, key))


def _member(asked: dict[str, Any], value: Any) -> dict[str, Any]:
    """Returns the member of a union that a value belongs to."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and (known := asked.get("discriminator", {}).get("mapping", {}).get(kind)):
        return resolved({"$ref": known})
    members = [resolved(one) for one in asked.get("anyOf", ()) if one.get("type") != "null"]
    return _member(members[0], value) if members else asked


def _drawn_section(asked: dict[str, Any], draw: random.Random, depth: int) -> dict[str, Any]:
    needed = asked.get("required", ())
    known = asked.get("properties", {})
    wanted = [name for name in known if name in needed or (depth < 3 and draw.random() < 0.3)]
    return {name: drawn(known[name], draw, depth + 1) for name in wanted if depth < 8}


def _ends(asked: dict[str, Any]) -> list[Any]:
    """Returns what lies on the ends of a range, just outside, and inside."""
    step = 1 if asked["type"] == "integer" else 1e-9
    low, high = asked.get("minimum", asked.get("exclusiveMinimum", 0)), asked.get("maximum", 2 * step)
    return [
        low,
        low + step,
        low - step,
        high,
        high + step,
        asked.get("exclusiveMaximum", low + step),
        *(low + 2 * step,) * 3,
    ]


def _somewhere(value: dict[str, Any], draw: random.Random) -> tuple[Any, Any, dict[str, Any]]:
    """Returns a container in the recipe, a key of it, and what the schema asks of what is there."""
    location, asked = draw.choice([place for place in places(value, schema()) if place[0]] or [(("seed",), {})])
    inside: Any = value
    for step in location[:-1]:
        inside = inside[step]
    return inside, location[-1], asked


def _odd(value: dict[str, Any], draw: random.Random) -> None:
    inside, key, _ = _somewhere(value, draw)
    inside[key] = draw.choice(ODD)


def _out_of_range(value: dict[str, Any], draw: random.Random) -> None:
    ranged = [place for place in places(value, schema()) if place[1].get("type") in ("integer", "number")]
    if ranged:
        location, asked = draw.choice(ranged)
        inside: Any = value
        for step in location[:-1]:
            inside = inside[step]
        inside[location[-1]] = draw.choice(_ends(asked))


def _lost(value: dict[str, Any], draw: random.Random) -> None:
    inside, key, _ = _somewhere(value, draw)
    if isinstance(inside, list) or key in inside:
        del inside[key]


def _misspelt(value: dict[str, Any], draw: random.Random) -> None:
    inside, key, _ = _somewhere(value, draw)
    if isinstance(inside, dict) and key in inside:
        at = draw.randrange(len(key) + 1)
        inside[draw.choice((f"{key[:at]}{key[at + 1 :]}", f"{key[:at]}x{key[at:]}", key.upper(), f"{key} "))] = (
            inside.pop(key)
        )


def _swapped(value: dict[str, Any], draw: random.Random) -> None:
    (one, first, _), (other, second, _) = _somewhere(value, draw), _somewhere(value, draw)
    left, right = (
        json.loads(json.dumps(inside.get(key) if isinstance(inside, dict) else inside[key]))
        for inside, key in ((one, first), (other, second))
    )
    one[first], other[second] = right, left


def _deep(value: dict[str, Any], draw: random.Random) -> None:
    inside, key, _ = _somewhere(value, draw)
    for _ in range(draw.choice((1, 2, 5, 20, 31, 40, 60))):
        inside[key] = (
            draw.choice(([inside.get(key)], {"a": inside.get(key)})) if isinstance(inside, dict) else [inside[key]]
        )


def _as_allowed(value: dict[str, Any], draw: random.Random) -> None:
    """Writes a field anew as the schema has it, also one that the recipe leaves to its default."""
    sections = [place for place in places(value, schema()) if place[1].get("properties")]
    location, asked = draw.choice(sections)
    inside: Any = value
    for step in location:
        inside = inside[step]
    if isinstance(inside, dict):
        name = draw.choice(sorted(asked["properties"]))
        inside[name] = drawn(asked["properties"][name], draw)
