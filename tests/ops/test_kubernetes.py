"""The manifests: every one against the schema of a pinned Kubernetes, strictly, and what they let and deny."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.registry import Lane
from dispatcher.domain.statement import Mode
from ops.console import health
from ops.metrics.names import METRICS

yaml = pytest.importorskip("yaml")
validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is missing: make setup")

FOLDER = Path(__file__).parents[2] / "ops" / "deploy" / "kubernetes"
VERSION = "1.31"
"""The oldest that these are for."""

DOCUMENTS: list[dict[str, Any]] = [
    document for file in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())
]
CORE = [document for document in DOCUMENTS if not document["apiVersion"].startswith("keda.sh/")]
NOT_FOR_US = {"0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}


def named(document: dict[str, Any]) -> str:
    """Kind and name."""
    return f"{document['kind']}/{document['metadata']['name']}"


def of(kind: str) -> dict[str, dict[str, Any]]:
    """All documents of a kind, by name."""
    return {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Every pod that is made, with its labels."""
    for document in DOCUMENTS:
        spec = document.get("spec", {})
        template = (spec.get("jobTemplate", {}).get("spec", {}) or spec).get("template")
        if template:
            yield named(document), template["spec"], template["metadata"]["labels"]


PODS = list(pods())


@pytest.mark.parametrize("document", CORE, ids=named)
def test_kubernetes_takes_it(document: dict[str, Any]) -> None:
    """No unknown field, none that is missing."""
    validate.validate(document, VERSION, strict=True)


def test_the_check_bites() -> None:
    """A field that is not there is found."""
    wrong = {**CORE[0], "metadata": {**CORE[0]["metadata"], "nmae": "x"}}
    with pytest.raises(validate.ValidationError):
        validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize(("name", "pod", "_labels"), PODS, ids=[name for name, _, _ in PODS])
def test_every_pod_is_restricted(name: str, pod: dict[str, Any], _labels: dict[str, str]) -> None:
    """By the rules of the Pod Security Standards' profile of that name, and a read-only image besides."""
    shared = pod["securityContext"]
    assert (pod["automountServiceAccountToken"], shared["runAsNonRoot"], shared["runAsUser"]) == (False, True, 10001)
    assert shared["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
    assert not any(pod.get(host) for host in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"))
    for container in pod["containers"]:
        closed = container["securityContext"]
        assert (closed["allowPrivilegeEscalation"], closed["readOnlyRootFilesystem"]) == (False, True), name
        assert closed["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert not [one for one in container["env"] if re.search("PASSWORD|SECRET", one["name"])]
    kinds = {next(key for key in volume if key != "name") for volume in pod["volumes"]}
    assert kinds <= {"secret", "configMap", "emptyDir", "persistentVolumeClaim"}


def test_the_cluster_itself_refuses_what_is_not_restricted() -> None:
    """The namespace says so."""
    (namespace,) = of("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_mount_is_a_volume_and_none_lies_in_a_secret() -> None:
    """A folder cannot be made inside a mounted secret: such a pod never starts."""
    for name, pod, labels in PODS:
        claims = {
            claim["metadata"]["name"]
            for one in of("StatefulSet").values()
            if one["spec"]["template"]["metadata"]["labels"] == labels
            for claim in one["spec"]["volumeClaimTemplates"]
        }
        secrets = {volume["name"] for volume in pod["volumes"] if "secret" in volume or "configMap" in volume}
        for container in pod["containers"]:
            mounts = container["volumeMounts"]
            assert {mount["name"] for mount in mounts} <= {volume["name"] for volume in pod["volumes"]} | claims, name
            closed = [
                mount["mountPath"] + "/" for mount in mounts if mount["name"] in secrets and "subPath" not in mount
            ]
            inside = [m["mountPath"] for m in mounts if any(m["mountPath"].startswith(place) for place in closed)]
            assert inside == [], name


def test_accounts_post_through_one_sender_at_a_time() -> None:
    """A StatefulSet of one, whose storage one pod may mount; what was spent outlives it."""
    accounts = of("StatefulSet")["dispatcher-accounts-a"]["spec"]
    assert accounts["replicas"] == 1
    (claim,) = accounts["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert accounts["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    written = {
        mount["mountPath"]
        for mount in accounts["template"]["spec"]["containers"][0]["volumeMounts"]
        if mount["name"] == "record"
    }
    base = "/var/lib/dispatcher"
    assert written == {f"{base}/credentials/live/accounts/secrets", f"{base}/sender/live/accounts"}


def test_the_relay_and_the_console_outlive_a_node() -> None:
    """Two of each, apart, and a drain takes one at a time."""
    for role in ("relay", "console"):
        spec = of("Deployment")[f"dispatcher-{role}"]["spec"]
        assert spec["replicas"] == 2
        assert spec["template"]["spec"]["topologySpreadConstraints"]
        assert of("PodDisruptionBudget")[f"dispatcher-{role}"]["spec"]["minAvailable"] == 1
    for budget in of("PodDisruptionBudget").values():
        assert any(labels == budget["spec"]["selector"]["matchLabels"] for _, _, labels in PODS)


def test_every_pod_that_stays_is_probed() -> None:
    """By its loop's file, or by its own page; TikTok's end by themselves."""
    for name, pod, labels in PODS:
        if labels["role"] not in ("migrate", "backup", "tiktok"):
            probe = pod["containers"][0]["livenessProbe"]
            assert "exec" in probe or "httpGet" in probe, name


def test_nothing_is_reached_that_is_not_said() -> None:
    """All is denied; each role's own policy names what it needs, and only public addresses beside it."""
    policies = of("NetworkPolicy")
    deny = policies.pop("default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
    for name, policy in policies.items():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"], name
        for rule in policy["spec"]["egress"]:
            blocks = [to["ipBlock"] for to in rule["to"] if "ipBlock" in to]
            assert all(block["cidr"] != "0.0.0.0/0" or set(block["except"]) >= NOT_FOR_US for block in blocks), name
            assert rule["ports"], name


def chosen(policy: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a policy is about pods with these labels."""
    selector = policy["spec"]["podSelector"]
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", ()))


def test_every_pod_has_one_policy_of_its_own() -> None:
    """Nothing that is started here is left with no way to its database, or with somebody else's ways."""
    policies = {name: one for name, one in of("NetworkPolicy").items() if name != "default-deny"}
    for name, _, labels in PODS:
        assert len([one for one in policies.values() if chosen(one, labels)]) == 1, name


def test_who_has_no_business_outside_reaches_nothing_there() -> None:
    """Metrics, migration and backups go to the stores alone."""
    for name in ("dispatcher-exporter", "dispatcher-jobs"):
        rules = of("NetworkPolicy")[name]["spec"]["egress"]
        assert not [to for rule in rules for to in rule["to"] if "ipBlock" in to]


def test_senders_grow_with_what_waits() -> None:
    """The one custom resource, by what KEDA asks of it: a target that is there, a query of our metric."""
    (scaled,) = of("ScaledObject").values()
    spec = scaled["spec"]
    assert set(scaled) == {"apiVersion", "kind", "metadata", "spec"}
    assert spec["scaleTargetRef"]["name"] in of(spec["scaleTargetRef"]["kind"])
    assert 2 <= spec["minReplicaCount"] < spec["maxReplicaCount"]
    (trigger,) = spec["triggers"]
    assert set(trigger["metadata"]) == {"serverAddress", "query", "threshold", "activationThreshold"}
    name, said = re.fullmatch(r"sum\((\w+)\{(.*)\}\)", trigger["metadata"]["query"]).groups()  # type: ignore[union-attr]
    asked = dict(re.findall(r'(\w+)="(\w+)"', said))
    assert set(asked) == set(METRICS[name].labels)
    assert asked == {"lane": str(Lane.RECIPIENTS), "mode": str(Mode.LIVE), "state": "waiting"}
    assert int(trigger["metadata"]["threshold"]) == 300_000
    known = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod"}
    assert set(spec) == known | {"fallback", "advanced", "triggers"}


def test_the_autoscaler_that_it_asks_for_is_one() -> None:
    """KEDA hands these words to a HorizontalPodAutoscaler: held to that schema."""
    (scaled,) = of("ScaledObject").values()
    behaviour = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    target = {**scaled["spec"]["scaleTargetRef"]}
    made = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "x"},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 10, "behavior": behaviour},
    }
    validate.validate(made, VERSION, strict=True)


def test_what_is_probed_is_served() -> None:
    """Each at a port that the container has and the unit, Compose and the network's rules name too."""
    served = {"console": {route.path for route in health.ROUTES}, "exporter": {"/metrics", "/healthz"}}
    compose = yaml.safe_load((FOLDER.parent / "compose.yaml").read_text())["services"]
    found = {}
    for _, pod, labels in PODS:
        for container in pod["containers"]:
            probed = [container.get(one, {}) for one in ("livenessProbe", "readinessProbe")]
            probes = [one["httpGet"] for one in probed if "httpGet" in one]
            if probes:
                (port,) = container["ports"]
                assert {probe["port"] for probe in probes} == {port["name"]}
                assert {probe["path"] for probe in probes} <= served[labels["role"]]
                found[labels["role"]] = port["containerPort"]
    assert set(found) == set(served)
    for role, port in found.items():
        unit = (FOLDER.parent / "systemd" / f"dispatcher-{role}.service").read_text()
        assert f"SocketBindAllow=ipv4:tcp:{port}\n" in unit
        assert compose[role]["ports"] == [f"127.0.0.1:{port}:{port}"]
        (test,) = re.findall(rf"http://127.0.0.1:{port}(/\w+)", compose[role]["healthcheck"]["test"][-1])
        assert test in served[role]
        (rule,) = of("NetworkPolicy")[f"dispatcher-{role}"]["spec"]["ingress"]
        assert [one["port"] for one in rule["ports"]] == [port]
