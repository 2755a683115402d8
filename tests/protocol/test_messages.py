"""The messages of `docs/reference/websocket.md`, as they are on the wire."""

import msgspec
import pytest

from arborlink.protocol.messages import (
    AnyMessage,
    Command,
    DaemonAuth,
    DaemonToHub,
    Gap,
    HostInfo,
    HubToDaemon,
    HubToViewer,
    Message,
    TaskPosition,
    ViewerToHub,
)

# Contract §4; `error` to a daemon and `gap` are answers it must be able to read.
TYPES = {
    DaemonToHub: {"auth", "output", "gap", "status", "inputAck", "resized", "usage", "rotated"}
    | {"heartbeat"},
    HubToDaemon: {
        *("welcome", "command", "input", "resize", "cancel", "ack", "rotate"),
        *("error", "heartbeat"),
    },
    ViewerToHub: {"auth", "subscribe", "unsubscribe", "ack", "input", "resize", "cancel"}
    | {"heartbeat"},
    HubToViewer: {"welcome", "output", "gap", "status", "workspace", "inputAck", "error"}
    | {"screen", "terminal", "heartbeat"},
}


@pytest.mark.parametrize(("union", "types"), TYPES.items())
def test_a_direction_speaks_the_types_of_the_contract(union: object, types: set[str]) -> None:
    members: tuple[type[Message], ...] = getattr(union, "__args__")  # noqa: B009
    assert {str(member.__struct_config__.tag) for member in members} == types
    assert len(members) == len(types)


@pytest.mark.parametrize("kind", AnyMessage.__args__)
def test_messages_are_immutable_and_their_fields_are_in_camel_case(kind: type[Message]) -> None:
    assert kind.__struct_config__.frozen
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    assert all("_" not in name and name[0].islower() for name in names)


@pytest.mark.parametrize("kind", AnyMessage.__args__)
def test_every_message_says_what_it_is(kind: type[Message]) -> None:
    assert kind.__doc__


def test_a_gap_is_from_and_to_on_the_wire() -> None:
    gap = Gap(task_id="tsk_1", start=3, end=9, reason="spool_full")
    assert msgspec.to_builtins(gap) == {
        "type": "gap",
        "taskId": "tsk_1",
        "from": 3,
        "to": 9,
        "reason": "spool_full",
    }


def test_defaults_are_not_shared_between_messages() -> None:
    def command() -> Command:
        return Command(task_id="tsk_1", command="true", args=[])

    def auth() -> DaemonAuth:
        host = HostInfo(hostname="h", platform="p", user="u", path="/")
        return DaemonAuth(
            daemon_id="d",
            auth_token="t",
            workspace_id="w",
            instance_id="i",
            protocol=1,
            version="0",
            host=host,
        )

    command().env["A"] = "1"
    assert command().env == {}
    assert auth().tasks is not auth().tasks


@pytest.mark.parametrize("checksum", ["crc32:123", "crc32:1234567G", "md5:12345678", "12345678"])
def test_a_checksum_has_exactly_its_shape(checksum: str) -> None:
    wire = {"taskId": "t", "offset": 0, "credit": 0, "checksum": checksum}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wire, TaskPosition)


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_an_environment_name_is_not_empty_and_has_no_equals_sign_or_nul(name: str) -> None:
    wire = {"type": "command", "taskId": "t", "command": "c", "args": [], "env": {name: "x"}}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wire, Command)
