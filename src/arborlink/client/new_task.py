"""Requests for tasks as the hub accepts them: bytes that are not UTF-8 as in messages. Pure."""

from __future__ import annotations

import os
from typing import TypeAlias

from msgspec import structs

from arborlink.protocol import octets
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.resources import NewTask

# Types of a command, an argument, a folder and the value of a variable.
SystemText: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def system_text(field: str, value: SystemText) -> str:
    """Return `value` in the system's form, as `sys.argv` has it (see `octets`).

    Raises:
        InvalidInput: it is neither text nor bytes nor a path.
    """
    try:
        text = os.fspath(value)
    except TypeError:
        raise InvalidInput(
            f"{field} takes text, bytes and paths, and {value!r} is of the type "
            f"{type(value).__name__}. Give it as text, as with str()",
            code="not_text",
        ) from None
    # `os.fsdecode` would decode by the locale of this program, which is not the command's.
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def sendable(new: NewTask) -> NewTask:
    """Return `new` in the form in which it is sent; its texts may be of `sys.argv`, `os.environ`.

    Raises:
        InvalidInput: a text cannot be carried: it contains NUL, or surrogates that stand for no
            byte; or it is a title or a variable's name, and not UTF-8.
    """
    for name in new.env:
        _check_utf8("the name of a variable", name)
    if new.title is not None:
        _check_utf8("title", new.title)
    return structs.replace(
        new,
        command=_sent("command", new.command),
        args=[_sent("args", each) for each in new.args],
        cwd=_sent("cwd", new.cwd),
        env={name: _sent("env", value) for name, value in new.env.items()},
    )


def _sent(field: str, text: str) -> str:
    try:
        return octets.from_system(text)
    except ValueError as error:
        code = "nul_character" if octets.MARK in text else "not_text"
        raise InvalidInput(f"{field} cannot be sent: {error}", code=code) from None


def _check_utf8(what: str, text: str) -> None:
    if not isinstance(text, str):
        raise InvalidInput(f"{what} has to be text, and {text!r} is not", code="not_text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{what} has to be UTF-8, and {octets.quoted(text)} is not. Arguments, folders and "
            "values of variables may be any bytes",
            code="not_text",
        ) from None
