"""An emulated Kubernetes: the API, the controllers, and pods that run as local processes.

One server serves all EKS clusters of the emulator, each below `/clusters/<name>`. It implements the API that kubectl,
the Python client and kubernetes.core use, and keeps all objects in memory. It differs from Kubernetes:

- Images in ECR run as the sample service or as the user's own program. A few public images run as local programs
  (`tool_images`); any other image does nothing (in a Job, it succeeds). Volumes are checked, not mounted. There is no
  exec and no port-forward.
- Stored without effect: HorizontalPodAutoscalers, NetworkPolicies, ResourceQuotas, LimitRanges, PriorityClasses,
  StorageClasses, service accounts. DaemonSets, StatefulSets, CronJobs and CRDs do not exist.
- Services are reachable by NodePort only, not by cluster IP or name.
- The back-off of restarts, pulls and Jobs is 1 to 10 seconds (in Kubernetes 10 to 300).
- Server-side apply tracks the fields of its own manager, and detects no conflicts with other managers.
- Bodies are JSON or YAML. kubectl's `create <kind>` and `run` send protobuf, which is refused with a hint to `apply`.
- Unknown fields are stored, not refused. Pod Security implements the most common checks.
- A node is drained after its instance has ended; on EKS, a lifecycle hook of the Auto Scaling group waits for the drain.
"""
