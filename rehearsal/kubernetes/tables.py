"""The server-side tables that `kubectl get` prints, for kinds with special columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.kubernetes import times
from rehearsal.kubernetes.resources import Resource

Json = dict[str, Any]
Columns = list[tuple[str, Callable[[Json], Any]]]
NONE = "<none>"


def table(resource: Resource, objects: list[Json], include: str = "") -> Json:
    """Return a Table of `objects`. Columns with a lower-case name appear with `-o wide` only."""
    columns: Columns = [
        ("Name", lambda o: o["metadata"]["name"]),
        *COLUMNS.get(resource.kind, [("Age", _age)]),
    ]
    rows = []
    for obj in objects:
        row: Json = {"cells": [cell(obj) for _, cell in columns]}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            row["object"] = kind | {"metadata": obj["metadata"]}
        rows.append(row)
    definitions = [
        {
            "name": name.capitalize() if name.islower() else name,
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": int(name.islower()),
        }
        for name, _ in columns
    ]
    version = objects[-1]["metadata"]["resourceVersion"] if objects else ""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _duration(seconds: float) -> str:
    """Format an age as kubectl does: 45s, 3m12s, 17m, 5h, 3d."""
    s = max(0, int(seconds))
    if s < 120:
        return f"{s}s"
    if s < 600:
        return f"{s // 60}m{s % 60}s" if s % 60 else f"{s // 60}m"
    if s < 3 * 3600:
        return f"{s // 60}m"
    return f"{s // 3600}h" if s < 48 * 3600 else f"{s // 86400}d"


def _since(text: str | None) -> str:
    return _duration(times.age(text)) if text else "<unknown>"


def _age(obj: Json) -> str:
    return _since(obj["metadata"].get("creationTimestamp"))


def _at(*path: str, default: Any = 0) -> Callable[[Json], Any]:
    def cell(obj: Any) -> Any:
        for part in path:
            obj = obj.get(part) if isinstance(obj, dict) else None
        return default if obj is None else obj

    return cell


def _statuses(pod: Json) -> list[Json]:
    return pod["status"].get("containerStatuses") or []


def _pod_ready(pod: Json) -> str:
    return f"{sum(s['ready'] for s in _statuses(pod))}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Json) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for status in pod["status"].get("initContainerStatuses") or []:
        state = status["state"]
        if (ended := state.get("terminated")) and ended["exitCode"]:
            return f"Init:{ended['reason']}"
        if reason := state.get("waiting", {}).get("reason"):
            return (
                "Init:" + reason
                if reason != "PodInitializing"
                else f"Init:0/{len(pod['spec']['initContainers'])}"
            )
    for status in _statuses(pod):
        for state in ("waiting", "terminated"):
            if reason := status["state"].get(state, {}).get("reason"):
                return reason
    return pod["status"].get("reason") or pod["status"].get("phase", "Unknown")


def _restarts(pod: Json) -> str:
    count = sum(s["restartCount"] for s in _statuses(pod))
    ends = [
        s["lastState"]["terminated"]["finishedAt"] for s in _statuses(pod) if s["lastState"].get("terminated")
    ]
    return f"{count} ({_since(max(ends))} ago)" if count and ends else str(count)


def _ports(service: Json) -> str:
    return ",".join(
        f"{p['port']}:{p['nodePort']}/{p['protocol']}" if "nodePort" in p else f"{p['port']}/{p['protocol']}"
        for p in service["spec"].get("ports") or []
    )


def _addresses(endpoints: Json) -> str:
    found = [
        f"{a['ip']}:{p['port']}"
        for s in endpoints.get("subsets") or []
        for a in s.get("addresses") or []
        for p in s["ports"]
    ]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if len(found) > 3 else "") if found else NONE


def _node_status(node: Json) -> str:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    return ("Ready" if ready else "NotReady") + (
        ",SchedulingDisabled" if node["spec"].get("unschedulable") else ""
    )


def _job_status(job: Json) -> str:
    for c in job["status"].get("conditions") or []:
        if c["type"] in ("Complete", "Failed") and c["status"] == "True":
            return c["type"]
    return "Suspended" if job["spec"].get("suspend") else "Running"


def _job_duration(job: Json) -> str:
    start, end = job["status"].get("startTime"), job["status"].get("completionTime")
    if not start:
        return ""
    return _duration((times.parse(end) - times.parse(start)).total_seconds()) if end else _since(start)


def _map(*path: str) -> Callable[[Json], str]:
    get = _at(*path, default={})
    return lambda o: ",".join(f"{k}={v}" for k, v in get(o).items()) or NONE


def _containers(part: str) -> Callable[[Json], str]:
    return lambda o: ",".join(c[part] for c in o["spec"]["template"]["spec"]["containers"])


def _event_object(event: Json) -> str:
    return f"{event['involvedObject']['kind'].lower()}/{event['involvedObject']['name']}"


_WORKLOAD: Columns = [
    ("containers", _containers("name")),
    ("images", _containers("image")),
    ("selector", _map("spec", "selector", "matchLabels")),
]
_TARGET = _at("spec", "scaleTargetRef", "name", default="")
COLUMNS: dict[str, Columns] = {
    "Pod": [
        ("Ready", _pod_ready),
        ("Status", _pod_status),
        ("Restarts", _restarts),
        ("Age", _age),
        ("ip", _at("status", "podIP", default=NONE)),
        ("node", _at("spec", "nodeName", default=NONE)),
    ],
    "Deployment": [
        ("Ready", lambda o: f"{o['status'].get('readyReplicas', 0)}/{o['spec']['replicas']}"),
        ("Up-to-date", _at("status", "updatedReplicas")),
        ("Available", _at("status", "availableReplicas")),
        ("Age", _age),
        *_WORKLOAD,
    ],
    "ReplicaSet": [
        ("Desired", _at("spec", "replicas")),
        ("Current", _at("status", "replicas")),
        ("Ready", _at("status", "readyReplicas")),
        ("Age", _age),
        *_WORKLOAD,
    ],
    "Job": [
        ("Status", _job_status),
        ("Completions", lambda o: f"{o['status'].get('succeeded', 0)}/{o['spec'].get('completions', 1)}"),
        ("Duration", _job_duration),
        ("Age", _age),
        *_WORKLOAD,
    ],
    "Service": [
        ("Type", _at("spec", "type")),
        ("Cluster-IP", _at("spec", "clusterIP", default=NONE)),
        ("External-IP", lambda o: NONE),
        ("Port(s)", _ports),
        ("Age", _age),
        ("selector", _map("spec", "selector")),
    ],
    "Endpoints": [("Endpoints", _addresses), ("Age", _age)],
    "Node": [
        ("Status", _node_status),
        ("Roles", lambda o: NONE),
        ("Age", _age),
        ("Version", _at("status", "nodeInfo", "kubeletVersion")),
        ("internal-ip", lambda o: o["status"]["addresses"][0]["address"]),
        ("zone", lambda o: o["metadata"]["labels"]["topology.kubernetes.io/zone"]),
    ],
    "Namespace": [("Status", _at("status", "phase")), ("Age", _age)],
    "ConfigMap": [
        ("Data", lambda o: len(o.get("data") or {}) + len(o.get("binaryData") or {})),
        ("Age", _age),
    ],
    "Secret": [("Type", _at("type")), ("Data", lambda o: len(o.get("data") or {})), ("Age", _age)],
    "Event": [
        ("Last Seen", lambda o: _since(o.get("lastTimestamp"))),
        ("Type", _at("type")),
        ("Reason", _at("reason")),
        ("Object", _event_object),
        ("Message", _at("message")),
    ],
    "Lease": [("Holder", _at("spec", "holderIdentity", default="")), ("Age", _age)],
    "HorizontalPodAutoscaler": [
        ("Reference", lambda o: f"Deployment/{_TARGET(o)}"),
        ("MinPods", _at("spec", "minReplicas")),
        ("MaxPods", _at("spec", "maxReplicas")),
        ("Replicas", _at("status", "currentReplicas")),
        ("Age", _age),
    ],
    "PodDisruptionBudget": [
        ("Min Available", _at("spec", "minAvailable", default="N/A")),
        ("Max Unavailable", _at("spec", "maxUnavailable", default="N/A")),
        ("Allowed Disruptions", _at("status", "disruptionsAllowed")),
        ("Age", _age),
    ],
    "NetworkPolicy": [("Pod-Selector", _map("spec", "podSelector", "matchLabels")), ("Age", _age)],
}
