"""The rehearsal's Kubernetes: an API, the controllers that make a Deployment real, pods that are processes.

One server carries all clusters that the rehearsal's EKS has, each below `/clusters/<name>`. It speaks the API
that kubectl, the Python client and kubernetes.core use, and keeps everything in memory. It is no Kubernetes:

- Only images of ECR are run, all of them as the sample service; of any other image there is a stand-in that
  does nothing (in a Job: succeeds). Volumes are looked for, not mounted. There is no exec, no port-forward.
- Stored, and without effect: HorizontalPodAutoscalers, NetworkPolicies, ResourceQuotas, LimitRanges,
  PriorityClasses, StorageClasses, service accounts. There are no DaemonSets, StatefulSets, CronJobs, CRDs.
- Services are reached by their NodePorts alone: cluster IPs and names lead nowhere.
- Back-off of restarts, pulls and Jobs starts at 1 second and ends at 10 (really 10 and 300).
- Server-side apply knows what its own manager gave before; it finds no conflicts with others.
- Bodies are JSON or YAML: kubectl's `create <kind>` and `run` send protobuf, and are told to use `apply`.
- Unknown fields are kept, not refused. Of Pod Security's checks, the usual ones are made.
- A node whose instance is gone is drained; really the Auto Scaling group's lifecycle hook waits for that.
"""
