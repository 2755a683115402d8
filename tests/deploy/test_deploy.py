"""The files in deploy/ fit the hub that they are for: metrics, ports, paths, flags, names."""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import yaml

from arborlink.cli.serve import hub_command
from arborlink.hub.settings import ENVIRONMENT, HubSettings, load_settings
from arborlink.testing.hub import hub_in_process
from tests.bounds import HANG_SECONDS

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
PORT: Final = HubSettings().port
# What Prometheus itself, or its process collector on Linux, has of every target.
GENERAL: Final = {"up"}
METRIC: Final = re.compile(r"\b(?:arbor|process)_[a-z_]+|\bup\b")


def text(*parts: str) -> str:
    return DEPLOY.joinpath(*parts).read_text()


def load_yaml(*parts: str) -> Any:
    return yaml.safe_load(text(*parts))


def expressions() -> list[str]:
    """Every expression of the dashboard and of the alerts."""
    panels = json.loads(text("grafana", "arbor.json"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    groups = load_yaml("prometheus", "alerts.yaml")["groups"]
    return shown + [rule["expr"] for group in groups for rule in group["rules"]]


async def exposed(data_dir: Path) -> dict[str, set[str]]:
    """The metrics of a live hub, each with the names of its labels."""
    async with (
        hub_in_process(data_dir) as running,
        httpx2.AsyncClient(verify=False, timeout=HANG_SECONDS) as client,
    ):
        page = (await client.get(f"{running.url}/metrics")).text
    found: dict[str, set[str]] = {}
    for line in page.splitlines():
        if match := re.match(r"([a-z_]+)(?:\{([^}]*)\})? ", line):
            labels = set(re.findall(r"(\w+)=", match[2] or ""))
            found.setdefault(match[1], set()).update(labels)
        elif declared := re.match(r"# TYPE (\w+) gauge", line):
            found.setdefault(declared[1], set())  # it may have no sample yet
    return found


async def test_every_metric_and_label_that_is_asked_for_exists(tmp_path: Path) -> None:
    metrics = await exposed(tmp_path)
    of_target = {"instance", "job", "le"}
    for expression in expressions():
        names = set(METRIC.findall(expression))
        assert names, expression
        assert not names - GENERAL - metrics.keys(), expression
        for name, selector in re.findall(r"(\w+)\{([^}]*)\}", expression):
            labels = set(re.findall(r"(\w+)=", selector)) - of_target
            # A gauge without any sample shows no labels.
            assert labels <= (metrics.get(name) or {"kind"}), expression


async def test_the_dashboard_shows_every_metric_of_ours(tmp_path: Path) -> None:
    shown = set(METRIC.findall(" ".join(expressions())))
    ours = {name for name in await exposed(tmp_path) if name.startswith("arbor_")}
    histograms = {name.removesuffix("_bucket") for name in ours if name.endswith("_bucket")}
    told_by_buckets = {f"{name}_{end}" for name in histograms for end in ("count", "sum")}
    assert not ours - shown - told_by_buckets


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(text("grafana", "arbor.json"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    variables = {f"${each['name']}" for each in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$(?!__)\w+", " ".join(expressions())))
    assert used <= variables


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    groups = load_yaml("prometheus", "alerts.yaml")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "do"}
    assert load_yaml("prometheus", "prometheus.yaml")["rule_files"] == ["alerts.yaml"]


def test_prometheus_asks_where_the_hub_listens() -> None:
    (job,) = load_yaml("prometheus", "prometheus.yaml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{PORT}"]}]
    assert job["job_name"] == "arbor"
    assert set(re.findall(r'job="(\w+)"', " ".join(expressions()))) == {"arbor"}


# ── the image ────────────────────────────────────────────────────────────────────────────────


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, with the lines that belong together joined."""
    joined = re.sub(r"\\\n", " ", text("docker", "Dockerfile"))
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    return [tuple(line.split(None, 1)) for line in lines if not line.startswith("#")]  # type: ignore[misc]


def flags_of(words: list[str]) -> dict[str, object]:
    """What `arbor hub` understands of a command line, as settings."""
    assert words[0] == "hub"
    flags = hub_command.make_context("hub", words[1:]).params
    config, quiet = flags.pop("config"), flags.pop("quiet")
    assert not config and not quiet
    return {name: list(v) or None if isinstance(v, tuple) else v for name, v in flags.items()}


def test_the_image_runs_as_nobody_in_particular() -> None:
    found = instructions()
    kinds = [kind for kind, _ in found]
    user = kinds.index("USER")
    assert found[user][1] not in ("root", "0")
    assert "RUN" not in kinds[user:] and "COPY" not in kinds[user:]
    last_stage = len(kinds) - 1 - kinds[::-1].index("FROM")
    assert user > last_stage


def test_the_image_listens_where_it_says() -> None:
    found = dict(instructions())
    assert found["EXPOSE"] == str(PORT)
    assert f":{PORT}/healthz" in found["HEALTHCHECK"]
    assert json.loads(found["ENTRYPOINT"]) == ["arbor"]
    assert flags_of(json.loads(found["CMD"]))["port"] == PORT
    check = json.loads(found["HEALTHCHECK"].partition("CMD ")[2])
    compile(check[2], "HEALTHCHECK", "exec")
    assert f"ARBOR_HOME={found['VOLUME']} " in found["ENV"]


def test_what_the_image_is_built_from_is_there() -> None:
    compose = load_yaml("docker", "compose.yaml")
    build = compose["services"]["hub"]["build"]
    context = (DEPLOY / "docker" / build["context"]).resolve()
    assert (context / "pyproject.toml").exists()
    assert (context / build["dockerfile"]).exists()
    for volume in compose["services"]["proxy"]["volumes"]:
        source = volume.split(":")[0]
        assert source in compose["volumes"] or (DEPLOY / "docker" / source).exists()


def test_the_hub_starts_with_what_compose_gives_it() -> None:
    """The settings are accepted, and it believes the proxy and nobody else."""
    compose = load_yaml("docker", "compose.yaml")
    hub = compose["services"]["hub"]
    environment = {
        name: re.sub(r"\$\{ARBOR_DOMAIN[^}]*\}", "arbor.example.org", value)
        for name, value in hub["environment"].items()
        if not value.startswith("${")
    }
    assert hub["environment"].keys() <= ENVIRONMENT.keys()
    (secret,) = hub["secrets"]
    assert hub["environment"]["ARBOR_BOOTSTRAP_TOKEN_FILE"] == f"/run/secrets/{secret}"
    assert compose["secrets"].keys() == {secret}
    assert "ARBOR_BOOTSTRAP_TOKEN" not in hub["environment"]
    settings = load_settings(flags_of(hub["command"]), environment)
    assert settings.public_url == "https://arbor.example.org"
    (network,) = compose["networks"]["inside"]["ipam"]["config"]
    assert settings.behind_proxy == [network["subnet"]]
    assert ipaddress.ip_network(network["subnet"]).is_private
    assert "ports" not in hub
    assert compose["services"]["proxy"]["environment"]["ARBOR_HUB"] == f"hub:{settings.port}"
    assert hub["volumes"] == [f"data:{dict(instructions())['VOLUME']}"]


# ── proxies and services ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("parts", [("Caddyfile",), ("nginx", "arbor.conf")], ids="/".join)
def test_proxies_reach_the_hub_and_keep_its_metrics_to_themselves(parts: tuple[str, ...]) -> None:
    config = text(*parts)
    assert f"127.0.0.1:{PORT}" in config
    assert "/metrics" in config
    assert config.count("{") == config.count("}")


def test_nginx_passes_on_what_the_hub_looks_at() -> None:
    config = text("nginx", "arbor.conf")
    for line in (
        "proxy_http_version 1.1;",
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $arbor_connection;",
        "proxy_buffering off;",
        "proxy_request_buffering off;",
    ):
        assert line in config
    assert HubSettings().request_body_bytes == 1024 * 1024
    assert "client_max_body_size 1m;" in config


def test_the_system_service_starts_a_hub_that_would_start() -> None:
    lines = text("systemd", "arbor-hub.service").splitlines()
    (command,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    program, *words = shlex.split(command)
    assert program == "/opt/arbor/bin/arbor"
    load_settings(flags_of(words), {})
    # As a file that the manager makes for this service, and never as a variable.
    (credential,) = [line for line in lines if line.startswith("LoadCredential=")]
    name = credential.partition("=")[2].partition(":")[0]
    assert f"Environment=ARBOR_BOOTSTRAP_TOKEN_FILE=%d/{name}" in lines
    assert not any("ARBOR_BOOTSTRAP_TOKEN=" in line for line in lines)
    homes = [line for line in lines if line.startswith("Environment=ARBOR_HOME=")]
    (state,) = [line.partition("=")[2] for line in lines if line.startswith("StateDirectory=")]
    assert homes == [f"Environment=ARBOR_HOME=/var/lib/{state}"]
