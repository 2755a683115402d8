"""A proof holds for the nonce, host and connection that it was made for, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.proof import keys, statement
from arborlink.proof.exchange import Answer
from arborlink.proof.statement import End
from arborlink.proof.verdict import Asked, Identity, judge
from arborlink.protocol.resources import HubProof, Problem

CLIENT, SERVER = End("127.0.0.1", 50_000), End("127.0.0.1", 4000)
MACHINE = "a machine"
HOSTS = ("127.0.0.1:4000", "localhost:4000", "[::1]:4000", "127.0.0.1:4001", "127.0.0.1")
TEXTS = ("hub_id", "key", "authority", "channel", "signature")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.HubKey:
    return keys.ensure(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> keys.HubKey:
    return keys.ensure(tmp_path_factory.mktemp("other"))


def asked(host: str = HOSTS[0], scheme: str = "http") -> Asked:
    nonce = statement.new_nonce()
    return Asked(nonce, host, scheme, statement.channel(nonce, CLIENT, SERVER, MACHINE))


def proof_for(key: keys.HubKey, question: Asked, host: str | None = None) -> HubProof:
    return statement.sign(
        key,
        nonce=question.nonce,
        hub_id="hub_1",
        authority=host or question.authority,
        channel=question.channel,
    )


def answer(proof: HubProof) -> Answer:
    return Answer(200, msgspec.json.encode(proof), reusable=True)


def test_a_proof_is_believed_with_its_key_and_without_one_that_is_known(key: keys.HubKey) -> None:
    question = asked()
    for known in (key.public, None):
        verdict = judge(answer(proof_for(key, question)), question, known)
        assert (verdict.identity, verdict.key, verdict.is_direct) == (
            Identity.PROVEN,
            key.public,
            True,
        )


@given(field=st.sampled_from(TEXTS), at=st.integers(0, 10**6), bit=st.integers(0, 6))
def test_any_bit_that_is_turned_proves_nothing(
    key: keys.HubKey, field: str, at: int, bit: int
) -> None:
    question = asked()
    proof = proof_for(key, question)
    text = getattr(proof, field)
    at %= len(text)
    turned = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]
    changed = msgspec.structs.replace(proof, **{field: turned})
    assert judge(answer(changed), question, key.public).identity is not Identity.PROVEN
    assert judge(answer(changed), question, None).identity is not Identity.PROVEN


def test_a_proof_that_was_seen_before_proves_nothing(key: keys.HubKey) -> None:
    seen = proof_for(key, asked())
    assert judge(answer(seen), asked(), key.public).identity is Identity.NOTHING


@given(dialed=st.sampled_from(HOSTS), named=st.sampled_from(HOSTS))
def test_a_proof_for_another_host_proves_nothing(key: keys.HubKey, dialed: str, named: str) -> None:
    question = asked(dialed)
    verdict = judge(answer(proof_for(key, question, named)), question, key.public)
    assert (verdict.identity is Identity.PROVEN) == (dialed == named)


@pytest.mark.parametrize(
    ("scheme", "dialed", "named"),
    [
        ("https", "Arbor.example.org", "arbor.example.org"),
        ("https", "arbor.example.org", "arbor.example.org:443"),
        ("http", "localhost:80", "localhost"),
    ],
)
def test_the_same_host_may_be_written_in_two_ways(
    key: keys.HubKey, scheme: str, dialed: str, named: str
) -> None:
    question = asked(dialed, scheme)
    verdict = judge(answer(proof_for(key, question, named)), question, key.public)
    assert verdict.identity is Identity.PROVEN


def test_another_hub_is_refused_by_name_and_a_claim_to_be_this_one_is_nothing(
    key: keys.HubKey, other: keys.HubKey
) -> None:
    question = asked()
    theirs = proof_for(other, question)
    verdict = judge(answer(theirs), question, key.public)
    assert (verdict.identity, verdict.key) == (Identity.OTHER_KEY, other.public)
    claim = msgspec.structs.replace(theirs, key=key.public)
    assert judge(answer(claim), question, key.public).identity is Identity.NOTHING


@given(
    st.integers(0, 999) | st.just(200),
    st.binary(max_size=300) | st.sampled_from([b"{}", b"null", b"[" * 5_000, b'{"key":1}']),
)
def test_other_answers_prove_nothing(key: keys.HubKey, status: int, body: bytes) -> None:
    for known in (key.public, None):
        assert judge(Answer(status, body, True), asked(), known).identity is Identity.NOTHING


def test_a_refusal_is_passed_on_with_its_reason_and_no_more_than_that(key: keys.HubKey) -> None:
    problem = Problem(title="x", status=421, detail="no such name " + "x" * 9_999, code="c")
    refused = Answer(421, msgspec.json.encode(problem), True)
    why = judge(refused, asked(), key.public).why
    assert "421" in why and "(no such name x" in why and len(why) < 500


ends = st.builds(
    End, st.sampled_from(["127.0.0.1", "127.0.0.2", "::1", "10.0.0.1"]), st.integers(1, 65_535)
)


@given(ends, ends, ends, ends, st.sampled_from([MACHINE, "another", None]))
def test_a_channel_names_one_connection_within_one_machine(
    client: End, server: End, from_: End, to: End, machine: str | None
) -> None:
    nonce = statement.new_nonce()
    ours = statement.channel(nonce, client, server, MACHINE)
    theirs = statement.channel(nonce, from_, to, machine)
    same = (client, server, MACHINE) == (from_, to, machine)
    if ours is not None:
        assert (ours == theirs) == same
        assert ours != statement.channel(statement.new_nonce(), client, server, MACHINE)
    assert (ours is None) == ("10.0.0.1" in (client.host, server.host))


def test_a_channel_is_the_same_on_a_socket_of_either_family() -> None:
    nonce = statement.new_nonce()
    client, server = (End(f"::ffff:{end.host}", end.port) for end in (CLIENT, SERVER))
    mapped = statement.channel(nonce, client, server, MACHINE)
    assert mapped == statement.channel(nonce, CLIENT, SERVER, MACHINE)


def test_this_machine_is_told_from_others_where_the_system_tells(tmp_path: Path) -> None:
    there = Path("/proc/sys/kernel/random/boot_id").exists()
    assert (statement.this_machine() is not None) == there
