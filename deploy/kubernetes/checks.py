"""What is demanded of the manifests, and that each demand is noticed when it is not met."""

import copy
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import yaml

HERE = Path(__file__).resolve().parent
VERSION = "1.37"


def read(folder):
    """The resources of a kustomization, and the names of the config maps it makes, with their files."""
    made = yaml.safe_load((HERE / folder / "kustomization.yaml").read_text("utf-8"))
    resources = []
    for name in made["resources"]:
        resources += [r for r in yaml.safe_load_all((HERE / folder / name).read_text("utf-8")) if r]
    maps = {}
    for generator in made.get("configMapGenerator", []):
        maps[generator["name"]] = [(f.split("=")[0] if "=" in f else Path(f).name, HERE / folder / f.split("=")[-1])
                                   for f in generator["files"]]
    return resources, maps


def faults(resources, maps):
    """Everything that is wrong, a line each."""
    for name, files in maps.items():
        for _, path in files:
            if not path.is_file():
                yield f"config map {name}: there is no file {path}"
    by = {(r["kind"], r["metadata"]["name"]): r for r in resources}
    for (kind, name), resource in by.items():
        if kind in ("ServiceMonitor", "PrometheusRule"):
            continue
        try:
            kubernetes_validate.validate(resource, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{kind} {name}: {error.message} at {'/'.join(map(str, error.path))}"
    pods = {}
    for (kind, name), resource in by.items():
        if kind in ("StatefulSet", "Deployment"):
            pods[name] = resource["spec"]["template"]
            yield from pod_faults(f"{kind} {name}", resource, maps)
    labels = [p["metadata"]["labels"] for p in pods.values()]
    for (kind, name), resource in by.items():
        spec = resource["spec"]
        selector = {"Service": lambda: spec["selector"],
                    "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
                    "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"]}.get(kind)
        if selector is None:
            continue
        chosen = [p for p in pods.values() if selector().items() <= p["metadata"]["labels"].items()]
        if len(chosen) != 1:
            yield f"{kind} {name} selects {len(chosen)} of the workloads"
            continue
        names = {p["name"] for c in chosen[0]["spec"]["containers"] for p in c["ports"]}
        wanted = [p["targetPort"] for p in spec.get("ports", [])] if kind == "Service" else \
            [p["port"] for rule in spec.get("ingress", []) for p in rule["ports"]] if kind == "NetworkPolicy" else []
        for port in wanted:
            if port not in names:
                yield f"{kind} {name}: there is no port {port}"
    for (kind, name), resource in by.items():
        for peer in peers(resource) if kind == "NetworkPolicy" else []:
            if not any(peer.items() <= l.items() for l in labels):
                yield f"NetworkPolicy {name}: nobody is {peer}"
    yield from replica_faults(by)
    monitor = by.get(("ServiceMonitor", "scout"))
    if monitor:
        service = by[("Service", "scout")]
        if not monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items():
            yield "the ServiceMonitor selects no service"
        ports = {p["name"] for p in service["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            if endpoint["port"] not in ports:
                yield f"the ServiceMonitor asks for a port {endpoint['port']}"
            if "credentials" not in endpoint.get("authorization", {}):
                yield "the ServiceMonitor has no key for /metrics"


def peers(policy):
    for rule in policy["spec"].get("ingress", []) + policy["spec"].get("egress", []):
        for peer in rule.get("from", []) + rule.get("to", []):
            if "podSelector" in peer:
                yield peer["podSelector"]["matchLabels"]


def pod_faults(what, resource, maps):
    template = resource["spec"]["template"]
    pod = template["spec"]
    if not resource["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items():
        yield f"{what}: its selector is not its label"
    if pod.get("automountServiceAccountToken") is not False:
        yield f"{what}: it gets a token of the cluster"
    context = pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or not context.get("runAsUser"):
        yield f"{what}: it may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{what}: no seccomp profile"
    volumes = {v["name"]: v for v in pod.get("volumes", [])}
    for volume in volumes.values():
        source = volume.get("configMap", {}).get("name")
        if source and source not in maps:
            yield f"{what}: there is no config map {source}"
        if volume.get("secret", {}).get("defaultMode", 0) & 0o007:
            yield f"{what}: everybody reads the secret {volume['name']}"
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or not own.get("readOnlyRootFilesystem") \
                or own.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{what}: a container is not locked up"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{what}: no limit of memory"
        ports = {p["name"] for p in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port and port not in ports:
                yield f"{what}: {probe} asks a port {port}"
        if "readinessProbe" not in container:
            yield f"{what}: nothing says when it is ready"
        mounts = {m["name"]: m["mountPath"] for m in container.get("volumeMounts", [])}
        for name in mounts:
            if name not in volumes:
                yield f"{what}: there is no volume {name}"
        # A file that is named below a mount of a config map is in the map.
        files = {f"{mounts[v['name']]}/{f}" for v in volumes.values() if v["name"] in mounts and "configMap" in v
                 for f, _ in maps.get(v["configMap"]["name"], [])}
        for argument in container.get("args", []):
            if argument.startswith("/etc/") and argument not in files:
                yield f"{what}: {argument} is mounted from nowhere"


def replica_faults(by):
    """The balancer knows exactly the replicas there are, by their names."""
    scout, balancer = by.get(("StatefulSet", "scout")), by.get(("Deployment", "scout-balancer"))
    if not scout or not balancer:
        return
    known = [e["value"] for e in balancer["spec"]["template"]["spec"]["containers"][0]["env"]
             if re.fullmatch(r"SCOUT_\d+", e["name"])]
    there = [f"scout-{n}.{scout['spec']['serviceName']}.$(NAMESPACE).svc.cluster.local:8000" for n in range(scout["spec"]["replicas"])]
    if known != there:
        yield f"the balancer knows {known}, and there is {there}"
    config = yaml_free_seconds((HERE / "base/scout.toml").read_text("utf-8"), "shutdown_delay")
    if scout["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] < config + 25 + 6:
        yield "the cluster kills a replica before it has ended in order"
    told = tomllib.loads((HERE / "base/scout.toml").read_text("utf-8"))["balancer"]
    if urlsplit(told["url"]).hostname not in [name for kind, name in by if kind == "Service"]:
        yield f"no service is {told['url']}"
    pod = scout["spec"]["template"]["spec"]
    mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    secrets = [f"{mounts.get(v['name'])}/{i['path']}" for v in pod["volumes"] for i in v.get("secret", {}).get("items", [])]
    if told["key_file"] not in secrets:
        yield f"{told['key_file']} is mounted from nowhere"
    policy = by.get(("NetworkPolicy", "scout"), {"spec": {}})
    if not any(p == balancer["spec"]["selector"]["matchLabels"] for p in peers({"spec": {"egress": policy["spec"].get("egress", [])}})):
        yield "replicas do not reach the balancer"


def yaml_free_seconds(text, key):
    found = re.search(rf'^{key} = "(\d+)s"', text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def breaks(resources):
    """Manifests with one thing wrong each, and a name for it."""
    def broken(kind, name, change):
        copied = copy.deepcopy(resources)
        change(next(r for r in copied if (r["kind"], r["metadata"]["name"]) == (kind, name)))
        return copied

    def pod(r):
        return r["spec"]["template"]["spec"]

    s, b = ("StatefulSet", "scout"), ("Deployment", "scout-balancer")
    yield "a misspelt field", broken(*s, lambda r: r["spec"].update(replica=3))
    yield "a wrong type", broken(*s, lambda r: r["spec"].update(replicas="three"))
    yield "root", broken(*s, lambda r: pod(r)["securityContext"].update(runAsUser=0))
    yield "maybe root", broken(*b, lambda r: pod(r)["securityContext"].pop("runAsNonRoot"))
    yield "a writable root", broken(*s, lambda r: pod(r)["containers"][0]["securityContext"].pop("readOnlyRootFilesystem"))
    yield "capabilities", broken(*s, lambda r: pod(r)["containers"][0]["securityContext"].pop("capabilities"))
    yield "escalation", broken(*b, lambda r: pod(r)["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"))
    yield "no seccomp", broken(*s, lambda r: pod(r)["securityContext"].pop("seccompProfile"))
    yield "a token", broken(*s, lambda r: pod(r).pop("automountServiceAccountToken"))
    yield "an open secret", broken(*s, lambda r: pod(r)["volumes"][1]["secret"].update(defaultMode=0o444))
    yield "another label", broken(*s, lambda r: r["spec"]["template"]["metadata"]["labels"].update({"app.kubernetes.io/name": "x"}))
    yield "a service of nobody", broken("Service", "scout-mcp", lambda r: r["spec"]["selector"].update({"app.kubernetes.io/name": "x"}))
    yield "a port of nobody", broken("Service", "scout", lambda r: r["spec"]["ports"][0].update(targetPort="http"))
    yield "a probe of nobody", broken(*s, lambda r: pod(r)["containers"][0]["livenessProbe"]["httpGet"].update(port="http"))
    yield "no readiness", broken(*s, lambda r: pod(r)["containers"][0].pop("readinessProbe"))
    yield "a mount of nothing", broken(*s, lambda r: pod(r)["volumes"].pop(0))
    yield "a file of nothing", broken(*s, lambda r: pod(r)["containers"][0]["args"].__setitem__(2, "/etc/scout/other.toml"))
    yield "a config map of nothing", broken(*b, lambda r: pod(r)["volumes"][0]["configMap"].update(name="x"))
    yield "a fourth replica", broken(*s, lambda r: r["spec"].update(replicas=4))
    yield "too little grace", broken(*s, lambda r: pod(r).update(terminationGracePeriodSeconds=30))
    yield "no memory limit", broken(*s, lambda r: pod(r)["containers"][0]["resources"].pop("limits"))
    yield "a policy of nobody", broken("NetworkPolicy", "scout", lambda r: r["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}))
    yield "no key for metrics", broken("ServiceMonitor", "scout", lambda r: r["spec"]["endpoints"][0].pop("authorization"))
    yield "a monitor of nobody", broken("ServiceMonitor", "scout", lambda r: r["spec"]["endpoints"][0].update(port="metrics"))
    yield "no key of the replicas", broken(*s, lambda r: pod(r)["volumes"][2]["secret"]["items"][0].update(path="key"))
    yield "no way to the balancer", broken("NetworkPolicy", "scout", lambda r: r["spec"]["egress"].pop(0))
    yield "a balancer of another name", [r for r in resources if (r["kind"], r["metadata"]["name"]) != ("Service", "scout-mcp")]
    yield "a budget of nobody", broken("PodDisruptionBudget", "scout", lambda r: r["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}))


def rule_faults():
    """The alerts as a resource are the rules file, one step further in."""
    text = subprocess.run([str(HERE / "rules")], check=True, capture_output=True, text=True).stdout
    made = yaml.safe_load(text)
    rules = yaml.safe_load((HERE / "../../grafana/prometheus/scout.rules.yml").read_text("utf-8"))
    if made["kind"] != "PrometheusRule" or made["spec"] != rules:
        yield "deploy/kubernetes/rules does not print the rules"


def main():
    base, maps = read("base")
    monitoring, boards = read("monitoring")
    resources, maps = base + monitoring, maps | boards
    found = [*faults(resources, maps), *rule_faults()]
    print(*found, sep="\n", end="\n" if found else "")
    missed = [name for name, broken in breaks(resources) if not any(True for _ in faults(broken, maps))]
    for name in missed:
        print(f"nobody notices: {name}")
    if found or missed:
        sys.exit(1)
    count = sum(1 for _ in breaks(resources))
    print(f"{len(resources)} resources are as they should be, and {count} breaks are noticed")


main()
