"""The manifests against Kubernetes' own schemas, and against what a careful cluster asks for."""

from typing import Any

import kubernetes_validate
import pytest

from infra.services import run as services
from tests.infra.described import INFRA, SECRET, kustomization, manifests, pods

VERSION = "1.37"
PODS = dict(pods())


@pytest.mark.parametrize("manifest", manifests(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_every_manifest_follows_the_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_the_kustomization_names_every_manifest_and_files_that_are_there() -> None:
    content = kustomization()
    assert {INFRA / name for name in content["resources"]} == set((INFRA / "kubernetes").glob("*.yaml"))
    made = {one["name"]: one for one in content["configMapGenerator"]}
    assert all((INFRA / name).is_file() for name in made["databases"]["files"])
    used = {volume["configMap"]["name"] for pod in PODS.values() for volume in pod["volumes"] if "configMap" in volume}
    used |= {source["configMapRef"]["name"] for one in containers() for source in one.get("envFrom", [])}
    assert used == made.keys()
    images = {one["name"] for one in content["images"]}
    assert {one["image"] for one in containers() if ":" not in one["image"]} == images


def containers() -> list[dict[str, Any]]:
    return [container for pod in PODS.values() for container in pod["containers"]]


@pytest.mark.parametrize("name", PODS)
def test_every_pod_runs_as_a_normal_user_without_rights(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["allowPrivilegeEscalation"] is False
        assert context.get("readOnlyRootFilesystem", False) is (name != "worker")
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_every_secret_comes_from_the_secret(name: str) -> None:
    for container in PODS[name]["containers"]:
        for variable in container.get("env", []):
            if SECRET.search(variable["name"]) and variable["name"] != "STILLHOUSE_CHANNEL_KEYS":
                assert variable["valueFrom"]["secretKeyRef"]["name"] == "stillhouse"
    assert not [one for one in manifests() if one["kind"] == "Secret"]


def test_no_variable_of_a_service_link_gets_among_those_of_the_tools() -> None:
    # A service called mlflow would otherwise put an address into MLFLOW_PORT.
    ours = [pod for pod in PODS.values() if pod["containers"][0]["image"].startswith("stillhouse")]
    assert len(ours) == 6
    assert {pod["enableServiceLinks"] for pod in ours} == {False}


def test_probes_ask_where_the_service_answers() -> None:
    for container in containers():
        name = container["name"]
        if name in services.HEALTH:
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert container[kind]["httpGet"]["path"] == services.HEALTH[name]
        open_ports = {one["containerPort"] for one in container.get("ports", [])}
        probes = [container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container]
        assert {probe["httpGet"]["port"] for probe in probes if "httpGet" in probe} <= open_ports
        assert name in ("deploy", "updates") or {"readinessProbe", "livenessProbe"} <= container.keys()


def test_services_lead_to_a_port_of_a_pod() -> None:
    for manifest in manifests():
        if manifest["kind"] == "Service":
            name = manifest["spec"]["selector"]["app"]
            ports = {port["containerPort"] for one in PODS[name]["containers"] for port in one.get("ports", [])}
            assert {port["targetPort"] for port in manifest["spec"]["ports"]} == ports


def test_every_mount_has_its_volume() -> None:
    claimed = {one["metadata"]["name"] for one in manifests() if one["kind"] == "PersistentVolumeClaim"}
    for manifest in manifests():
        if "template" in manifest.get("spec", {}):
            pod = manifest["spec"]["template"]["spec"]
            templates = manifest["spec"].get("volumeClaimTemplates", [])
            there = {one["name"] for one in pod["volumes"]} | {one["metadata"]["name"] for one in templates}
            assert {mount["name"] for one in pod["containers"] for mount in one["volumeMounts"]} == there
            asked = {
                one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "persistentVolumeClaim" in one
            }
            assert asked <= claimed
