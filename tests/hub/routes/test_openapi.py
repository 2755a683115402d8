"""The API's description is that of the routes, no more and no less."""

from __future__ import annotations

import html
import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from starlette.routing import Route

from arborlink.hub.routes.field_texts import FIELD_TEXTS
from arborlink.hub.routes_output import MEDIA_TYPES

from .conftest import Api


def _routes(api: Api) -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Route) and not route.path.startswith("/{")
        for method in route.methods or ()
        if method != "HEAD"
    }


async def _document(api: Api) -> dict[str, Any]:
    async with api.anonymous() as client:
        document: dict[str, Any] = (await client.get("/api/openapi.json")).json()
    return document


async def test_every_route_is_described_and_every_description_has_a_route(api: Api) -> None:
    described = {
        (method.upper(), path)
        for path, methods in (await _document(api))["paths"].items()
        for method in methods
    }
    assert described == _routes(api)


async def test_operations_have_names_of_their_own_and_all_parameters(api: Api) -> None:
    document = await _document(api)
    assert document["openapi"] == "3.1.0"
    names = []
    for path, methods in document["paths"].items():
        for operation in methods.values():
            names.append(operation["operationId"])
            given = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path))
            assert operation["summary"] and "default" in operation["responses"]
    assert len(names) == len(set(names))


async def test_references_lead_somewhere_and_answers_fit_them(api: Api) -> None:
    document = await _document(api)
    schemas = document["components"]["schemas"]
    for reference in re.findall(r"#/components/schemas/(\w+)", str(document)):
        assert reference in schemas
    task = (await api.client.get(f"/api/tasks/{await api.task(await api.workspace())}")).json()
    schema = {"$ref": "#/components/schemas/Task", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(task)


async def test_answers_of_several_kinds_are_described_with_all_of_them(api: Api) -> None:
    paths = (await _document(api))["paths"]
    output = paths["/api/tasks/{task_id}/output"]["get"]["responses"]
    kinds = {media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()}
    assert output["200"]["content"].keys() == output["206"]["content"].keys() == kinds
    ready = paths["/readyz"]["get"]["responses"]
    assert ready["503"]["content"] == ready["200"]["content"]


async def test_a_route_that_needs_a_credential_says_so(api: Api) -> None:
    document = await _document(api)
    async with api.anonymous() as client:
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                response = await client.request(method, re.sub(r"{\w+}", "x", path))
                needs = bool(operation["security"]) and (method, path) != (
                    "delete",
                    "/api/session",
                )
                assert (response.status_code in (401, 429)) == needs, (method, path)


async def test_the_page_to_read_has_no_scripts_and_nothing_from_elsewhere(api: Api) -> None:
    async with api.anonymous() as client:
        response = await client.get("/api/docs")
    assert response.headers["content-type"].startswith("text/html")
    assert "<script" not in response.text and "http://" not in response.text
    for path in (await _document(api))["paths"]:
        assert path in response.text


async def test_every_field_and_parameter_is_described(api: Api) -> None:
    document = await _document(api)
    missing = [
        f"{kind}.{name}"
        for kind, schema in document["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description")
    ]
    missing += [
        f"{method} {path} {parameter['name']}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for parameter in operation["parameters"]
        if not parameter.get("description")
    ]
    assert missing == []


async def test_each_text_of_a_field_is_used(api: Api) -> None:
    schemas = (await _document(api))["components"]["schemas"]
    fields = {(kind, name) for kind, each in schemas.items() for name in each.get("properties", {})}
    known = {name for _, name in fields} | {f"{kind}.{name}" for kind, name in fields}
    assert FIELD_TEXTS.keys() <= known


async def test_the_page_to_read_has_all_of_the_description(api: Api) -> None:
    """Each operation, parameter, field and answer, with links that lead somewhere."""
    document = await _document(api)
    async with api.anonymous() as client:
        response = await client.get("/api/docs")
    text = html.unescape(re.sub(r"<[^>]+>", "", response.text))
    targets = re.findall(r'id="([^"]+)"', response.text)
    assert len(targets) == len(set(targets))
    assert set(re.findall(r'href="#([^"]+)"', response.text)) <= set(targets)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"] in targets
            assert (
                f"{method.upper()} {path}" in text and operation["summary"].replace("`", "") in text
            )
            assert all(each["name"] in text for each in operation["parameters"])
    for kind, schema in document["components"]["schemas"].items():
        assert f"type-{kind}" in targets
        for field in schema.get("properties", {}).values():
            assert field["description"].replace("`", "") in text
    assert text.count("curl") == sum(map(len, document["paths"].values()))
    assert "prefers-color-scheme: dark" in response.text
