"""What deploy/ describes: it has the form that its tools read, and names files, commands, keys and ports that exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from r1router.cli import app
from test_container import environment
from test_readme import without_effect

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
RESOURCES: dict[tuple[str, str], Any] = {
    (resource["kind"], resource["metadata"]["name"]): resource
    for name in KUSTOMIZATION["resources"]
    for resource in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())
}


def parse(words: list[str]) -> dict[str, Any]:
    """The options that a command would run with."""
    root = without_effect(typer.main.get_command(app))
    root.main(words, prog_name="r1router", standalone_mode=False)
    with root.commands[words[0]].make_context(words[0], words[1:]) as context:  # type: ignore[attr-defined]
        return dict(context.params)


def container(kind: str, name: str) -> dict[str, Any]:
    [found] = RESOURCES[kind, name]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def run_tool(name: str, *words: str, **environment: str) -> str:
    """What a program prints that these files are made for; skips the test where it is not installed."""
    there = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    tool = shutil.which(name, path=there)
    if tool is None:
        pytest.skip(f"needs {name}")
    done = subprocess.run([tool, *words], env={**os.environ, **environment}, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return done.stdout


# ── compose ────────────────────────────────────────────────────────────────────────────────────


def test_both_servers_and_the_run_that_indexes_have_the_same_knowledge_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SERVICES["one"] == SERVICES["two"]
    for name, value in {**environment(), **SERVICES["one"]["environment"]}.items():
        monkeypatch.setenv(name, value)
    options = parse(SERVICES["one"]["command"])
    indexing = parse(SERVICES["index"]["command"])
    assert options["kbs"] == indexing["kbs"] == SERVICES["index"]["environment"]["R1ROUTER_KBS"]
    assert options["policy"] == f"openai:{SERVICES['vllm']['command'][1]}@http://vllm:8000/v1?constrain=vllm"
    assert options["host"] == "0.0.0.0"
    assert SERVICES["index"]["volumes"][0].split(":")[-2] == str(indexing["paths"][0])
    made = SERVICES["postgres"]["environment"]
    assert options["kbs"] == f"postgresql://{made['POSTGRES_USER']}@postgres/{made['POSTGRES_DB']}"


@pytest.mark.parametrize("file", [DEPLOY / "compose.yaml", DEPLOY.parent / "compose.yaml"], ids=["deploy", "root"])
def test_compose_itself_reads_the_file(file: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", file.read_text()))
    config = ("-f", str(file), "--profile", "*", "config")
    rendered = yaml.safe_load(run_tool("docker-compose", *config, **dict.fromkeys(asked, "given")))
    assert rendered["services"].keys() == yaml.safe_load(file.read_text())["services"].keys()


def test_what_the_services_of_compose_name_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        for volume in service.get("volumes", ()):
            source = volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[0]
            assert source.startswith("${DOCS") or source in COMPOSE["volumes"] or (DEPLOY / source).is_file()
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert (DEPLOY / SERVICES["one"]["build"]["context"] / SERVICES["one"]["build"]["dockerfile"]).is_file()


def test_keys_and_passwords_come_from_outside() -> None:
    values = {
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if name.endswith(("KEY", "PASSWORD"))
    }
    assert len(values) == 3
    assert all(re.fullmatch(r"\$\{\w+:\?.+\}", value) for value in values)


def test_the_proxy_and_prometheus_know_both_servers() -> None:
    asked = re.findall(r"server (\w+):8000;", (DEPLOY / "nginx.conf").read_text())
    [servers, model] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    assert asked == ["one", "two"]
    assert servers["static_configs"] == [{"targets": [f"{name}:8000" for name in asked]}]
    assert model["static_configs"][0]["targets"][0].partition(":")[0] in SERVICES
    secret = Path(servers["authorization"]["credentials_file"])
    assert secret.name in SERVICES["prometheus"]["secrets"]


# ── Kubernetes ─────────────────────────────────────────────────────────────────────────────────


def check(resource: dict[str, Any]) -> None:
    """That it fits the schema of Kubernetes."""
    validate = pytest.importorskip("kubernetes_validate", reason="needs the package kubernetes-validate")
    validate.validate(resource, validate.latest_version(), strict=True)


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=["-".join(name).lower() for name in RESOURCES])
def test_every_resource_fits_the_schema_of_kubernetes(resource: dict[str, Any]) -> None:
    check(resource)


def test_kubectl_renders_the_folder_and_what_comes_out_fits_too() -> None:
    rendered = [*yaml.safe_load_all(run_tool("kubectl", "kustomize", str(DEPLOY / "kubernetes")))]
    assert {("ConfigMap", "r1router"), *RESOURCES} == {
        (resource["kind"], re.sub(r"-[a-z0-9]{10}$", "", resource["metadata"]["name"])) for resource in rendered
    }
    for resource in rendered:
        assert resource["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
        check(resource)


def test_every_service_finds_the_pods_that_it_is_for() -> None:
    for (kind, name), service in RESOURCES.items():
        if kind != "Service":
            continue
        pods = next(RESOURCES[of, name] for of in ("Deployment", "StatefulSet") if (of, name) in RESOURCES)
        assert service["spec"]["selector"].items() <= pods["spec"]["template"]["metadata"]["labels"].items()
        ports = {port["name"]: port["containerPort"] for port in container(pods["kind"], name)["ports"]}
        assert all(port["port"] == ports[port["targetPort"]] for port in service["spec"]["ports"])


def test_the_servers_are_given_what_runs_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    [made] = KUSTOMIZATION["configMapGenerator"]
    told = dict(literal.split("=", 1) for literal in made["literals"])
    server, vllm = container("Deployment", "r1router"), container("Deployment", "vllm")
    assert server["envFrom"] == [{"configMapRef": {"name": made["name"]}}]
    keys = [one["valueFrom"]["secretKeyRef"] for one in [*server["env"], *vllm["env"]]]
    assert [key["key"] for key in keys] == ["server-key", "vllm-key", "vllm-key"]
    for name, value in {**told, "R1ROUTER_KEY": "key"}.items():
        monkeypatch.setenv(name, value)
    options = parse(server["args"])
    assert options["policy"] == f"openai:{vllm['args'][1]}@http://vllm:8000/v1?constrain=vllm"
    host, port = re.findall(r"milvus://(\w+):(\d+)/", options["kbs"])[0]
    assert int(port) == RESOURCES["Service", host]["spec"]["ports"][0]["port"]
    assert json.dumps(server["volumeMounts"]).count(environment()["R1ROUTER_CACHE"]) == 1


def test_the_image_that_is_replaced_is_the_one_that_the_servers_run() -> None:
    [replaced] = KUSTOMIZATION["images"]
    assert replaced["name"] == container("Deployment", "r1router")["image"]
