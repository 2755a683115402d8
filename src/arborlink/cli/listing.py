"""What listings have in common: their options, templates and filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from arborlink import visible
from arborlink.cli.console import is_for_a_person, print_json, show, show_document

TABLE: Final = "table"
JSON: Final = "json"
FORMATS: Final = (TABLE, JSON)
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_ESCAPES: Final = {r"\t": "\t", r"\n": "\n"}

F = TypeVar("F", bound=Callable[..., Any])


def listing_options(command: F) -> F:
    """Add `--json`, `--quiet`, `--format`, `--no-trunc` and `--utc`."""
    for option in reversed(
        (
            click.option("-q", "--quiet", is_flag=True, help="Whole ids only, one a line."),
            click.option(
                "--format",
                "form",
                metavar="FORMAT",
                default=TABLE,
                help="table, json, or a line of text with fields of the JSON: "
                "'{id} {status}'. \\t is a tab.",
            ),
            click.option("--json", "as_json", is_flag=True, help="As the API lists them."),
            click.option("--no-trunc", is_flag=True, help="Whole ids, and nothing cut."),
            click.option("--utc", is_flag=True, help="Times in UTC, not in the local zone."),
        )
    ):
        command = option(command)
    return command


def print_special(items: Sequence[Any], form: str, *, as_json: bool, quiet: bool) -> bool:
    """Print items as JSON, ids or a template, if that is asked for; False: a table is.

    Raises:
        BadParameter: the template has fields that the items do not have.
    """
    if as_json or form == JSON:
        print_json(items)
    elif quiet:
        for each in items:
            show(each.id)
    elif form != TABLE:
        for each in items:
            show_document(filled(form, fields(each)) + "\n")
    else:
        return False
    return True


def shown_ids(whole: bool, own: Iterable[str], others: Iterable[str] = ()) -> Mapping[str, str]:
    """Return the ids as a table shows them: short ones to a person, unless whole ones are asked
    for. An id that is left out is shown whole."""
    from arborlink.client.short_ids import short_ids

    return short_ids(own, others) if is_for_a_person() and not whole else {}


def fields(item: object) -> Mapping[str, Any]:
    """Return the fields of a resource by the names that its JSON has."""
    import msgspec

    found = msgspec.to_builtins(item)
    assert isinstance(found, dict)
    return found


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return the template with `{name}` replaced; lists are joined by spaces, null is empty.

    Raises:
        BadParameter: there is no such field.
    """
    for written, meant in _ESCAPES.items():
        template = template.replace(written, meant)
    if "{" not in template:
        raise click.BadParameter(
            f"{template!r} names no field: write table, json, or a text such as '{{id}} {{name}}'. "
            f"Fields are {', '.join(values)}",
            param_hint="--format",
        )

    def value(found: re.Match[str]) -> str:
        name = found.group(1).strip()
        if name not in values:
            raise click.BadParameter(
                f"there is no field {name!r}. Fields are {', '.join(values)}", param_hint="--format"
            )
        return visible.line(_text(values[name]))

    return _FIELD.sub(value, template)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={_text(each)}" for name, each in value.items())
    return str(value)


def parse_filters(given: Iterable[str], known: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each key of `--filter KEY=VALUE`; those of one key are alternatives.

    Raises:
        BadParameter: no such key, or no value.
    """
    found: dict[str, list[str]] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if key not in known or not separator:
            raise click.BadParameter(
                f"{each!r} is not KEY=VALUE with a KEY that can be filtered by: {', '.join(known)}",
                param_hint="--filter",
            )
        found.setdefault(key, []).append(value)
    return found
