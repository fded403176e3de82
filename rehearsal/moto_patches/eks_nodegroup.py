"""EKS node groups.

- moto drops updateConfig and nodeRepairConfig at creation, so community.aws.eks_nodegroup fails in its second run
  (KeyError).
- In moto, the Auto Scaling group is only a name. The patch creates it, with a launch template and instances in the node
  group's subnets, as EKS does. The nodes of the emulated Kubernetes are these instances.
- moto sets a key pair for remote access, and a version from 2021.
- moto lacks UpdateNodegroupVersion, and the public parameter with the newest machine image.
"""

from __future__ import annotations

import re
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, autoscaling_backends
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend, ec2_backends
from moto.eks.models import EKSBackend, Nodegroup
from moto.eks.responses import EKSResponse
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from rehearsal.moto_instances import group_name
from rehearsal.moto_patches import eks_cluster
from rehearsal.moto_patches.creation_time import Pending

INSTANCE_FIELDS = ("SecurityGroupIds", "MetadataOptions", "BlockDeviceMappings", "UserData", "InstanceType")


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    create, delete = EKSResponse.create_nodegroup, EKSBackend.delete_nodegroup
    update_config = EKSBackend.update_nodegroup_config

    def create_nodegroup(self: EKSResponse) -> ActionResult:
        create(self)
        cluster = self.eks_backend.clusters[self._get_param("name")]
        nodegroup = cluster.nodegroups[self._get_param("nodegroupName")]
        nodegroup.update_config = self._get_param("updateConfig") or {"maxUnavailable": 1}
        nodegroup.node_repair_config = self._get_param("nodeRepairConfig")
        nodegroup.remote_access = self._get_param("remoteAccess")
        nodegroup.version = self._get_param("version") or cluster.version
        nodegroup.release_version = self._get_param("releaseVersion") or _release(nodegroup.version)
        if nodegroup.launch_template:
            nodegroup.disk_size = None
            nodegroup.instance_types = self._get_param("instanceTypes")
        _create_group(self, nodegroup)
        nodegroup.pending = Pending(config["creation_times"]["nodegroup"])
        return ActionResult({"nodegroup": nodegroup})

    def delete_nodegroup(self: EKSBackend, cluster_name: str, nodegroup_name: str) -> Nodegroup:
        nodegroup = delete(self, cluster_name, nodegroup_name)
        autoscaling, ec2 = _backends(self)
        autoscaling.delete_auto_scaling_group(group_name(nodegroup))
        ec2.delete_launch_template(group_name(nodegroup), None)
        nodegroup.status = "DELETING"
        return nodegroup

    def update_nodegroup_config(self: EKSBackend, *args: Any, **kwargs: Any) -> dict[str, Any]:
        update = update_config(self, *args, **kwargs)
        cluster = self.clusters[kwargs["cluster_name"]]
        nodegroup = cluster.nodegroups[kwargs["nodegroup_name"]]
        if kwargs.get("scaling_config"):
            group = _backends(self)[0].autoscaling_groups[group_name(nodegroup)]
            scaling = nodegroup.scaling_config
            group.min_size, group.max_size = scaling["minSize"], scaling["maxSize"]
            group.set_desired_capacity(scaling["desiredSize"])
        cluster.updates[update["id"]] = update
        return update

    def update_nodegroup_version(self: EKSResponse) -> ActionResult:
        cluster = eks_cluster.active(self.eks_backend.describe_cluster(self._get_param("name")))
        nodegroup = self.eks_backend.describe_nodegroup(cluster.name, self._get_param("nodegroupName"))
        nodegroup.version = self._get_param("version") or cluster.version
        nodegroup.release_version = self._get_param("releaseVersion") or _release(nodegroup.version)
        if template := self._get_param("launchTemplate"):
            nodegroup.launch_template |= template
        nodegroup.modified_at = utcnow()
        _replace_instances(self, nodegroup)
        parameters = [{"type": "Version", "value": nodegroup.version}]
        return eks_cluster._updated(cluster, "VersionUpdate", parameters, nodegroup.nodegroup_name)

    SimpleSystemManagerBackend.get_parameter = _newest_release(SimpleSystemManagerBackend.get_parameter)
    Nodegroup.status = property(eks_cluster._status, eks_cluster._set_status)
    EKSResponse.create_nodegroup = create_nodegroup
    EKSResponse.update_nodegroup_version = update_nodegroup_version
    EKSBackend.delete_nodegroup = delete_nodegroup
    EKSBackend.update_nodegroup_config = update_nodegroup_config


def _release(version: str) -> str:
    return f"{version}.1-20261101"


def _newest_release(get_parameter: Any) -> Any:
    """Return a GetParameter that also returns the newest machine image, as AWS publishes it."""

    def get(self: SimpleSystemManagerBackend, name: str) -> Parameter | None:
        asked = re.fullmatch(r"/aws/service/eks/optimized-ami/(1\.\d+)/.*/recommended/release_version", name)
        if not asked:
            return get_parameter(self, name)
        return Parameter(
            account_id=self.account_id,
            name=name,
            value=_release(asked[1]),
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=utcnow(),
            version=1,
            data_type="text",
        )

    return get


def _backends(backend: EKSBackend) -> tuple[AutoScalingBackend, EC2Backend]:
    account, region = backend.account_id, backend.region_name
    return autoscaling_backends[account][region], ec2_backends[account][region]


def _create_group(response: EKSResponse, nodegroup: Nodegroup) -> None:
    autoscaling, ec2 = _backends(response.eks_backend)
    name = f"eks-{nodegroup.nodegroup_name}-{nodegroup.uuid}"
    nodegroup.resources = {"autoScalingGroups": [{"name": name}]}
    data, tags = _instance_data(ec2, nodegroup)
    owned = {"eks:cluster-name": nodegroup.cluster_name, "eks:nodegroup-name": nodegroup.nodegroup_name}
    template = ec2.create_launch_template(name, "", data, {"launch-template": owned})
    marks = owned | {f"kubernetes.io/cluster/{nodegroup.cluster_name}": "owned"} | tags
    scaling = nodegroup.scaling_config
    autoscaling.create_auto_scaling_group(
        name=name,
        availability_zones=[],
        desired_capacity=scaling["desiredSize"],
        max_size=scaling["maxSize"],
        min_size=scaling["minSize"],
        launch_config_name="",
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=",".join(nodegroup.subnets),
        default_cooldown=None,
        health_check_period=15,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in marks.items()],
        capacity_rebalance=True,
    )


def _instance_data(ec2: EC2Backend, nodegroup: Nodegroup) -> tuple[dict[str, Any], dict[str, str]]:
    """Return launch template data and tags for the instances: the user's template with EKS's additions."""
    theirs: dict[str, Any] = {}
    if nodegroup.launch_template:
        template = ec2.get_launch_template(nodegroup.launch_template["id"])
        version = nodegroup.launch_template.get("version") or "$Default"
        nodegroup.launch_template["version"] = version
        theirs = template.get_version(version).data
    tags = {
        tag["Key"]: tag["Value"]
        for specification in theirs.get("TagSpecifications") or []
        if specification["ResourceType"] == "instance"
        for tag in specification["Tags"]
    }
    data = {field: theirs[field] for field in INSTANCE_FIELDS if theirs.get(field)}
    data.setdefault("InstanceType", (nodegroup.instance_types or ["t3.medium"])[0])
    data["ImageId"] = theirs.get("ImageId") or next(iter(ec2.amis))
    return data, tags


def _replace_instances(response: EKSResponse, nodegroup: Nodegroup) -> None:
    """Terminate all instances; moto's Auto Scaling group replaces them."""
    autoscaling, ec2 = _backends(response.eks_backend)
    group: FakeAutoScalingGroup = autoscaling.autoscaling_groups[group_name(nodegroup)]
    old = [state.instance.id for state in group.instance_states]
    ec2.terminate_instances(old)
    autoscaling.notify_terminate_instances(old)
    autoscaling.elbv2_backend.notify_terminate_instances(old)
