"""Auto Scaling groups: subnets and target groups of instances, and metrics collection."""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

ALL_METRICS = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
]


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    spread_over_subnets()
    targets_follow_instances()
    metrics()


def spread_over_subnets() -> None:
    """Launch each instance in the subnet with the fewest. (moto uses the first subnet for all.)"""
    launch = FakeAutoScalingGroup.replace_autoscaling_group_instances

    def replace(self: FakeAutoScalingGroup, count_needed: int, tags: dict[str, str]) -> None:
        if not self.vpc_zone_identifier:
            launch(self, count_needed, tags)
            return
        subnets, zones = self.vpc_zone_identifier, self.availability_zones
        try:
            for _ in range(count_needed):
                used = Counter(state.instance.subnet_id for state in self.instance_states)
                subnet = min(subnets.split(","), key=lambda id_: used[id_])
                self.vpc_zone_identifier = subnet
                self.availability_zones = [self.ec2_backend.get_subnet(subnet).availability_zone]
                launch(self, 1, tags)
        finally:
            self.vpc_zone_identifier, self.availability_zones = subnets, zones

    FakeAutoScalingGroup.replace_autoscaling_group_instances = replace


def targets_follow_instances() -> None:
    """Register and deregister instances with the target groups of their Auto Scaling group.

    moto does not register the replacement of a terminated instance, and does not deregister an instance that is
    terminated by scaling in or by its group.
    """
    notify = AutoScalingBackend.notify_terminate_instances
    scale = FakeAutoScalingGroup.set_desired_capacity
    terminate = AutoScalingBackend.terminate_instance

    def notify_terminate_instances(self: AutoScalingBackend, instance_ids: list[str]) -> None:
        notify(self, instance_ids)
        for name in self.autoscaling_groups:
            self.update_attached_target_groups(name)

    def set_desired_capacity(self: FakeAutoScalingGroup, new_capacity: int | None) -> None:
        before = {state.instance.id for state in self.instance_states}
        scale(self, new_capacity)
        gone = before - {state.instance.id for state in self.instance_states}
        self.autoscaling_backend.elbv2_backend.notify_terminate_instances(list(gone))

    def terminate_instance(self: AutoScalingBackend, instance_id: str, should_decrement: bool) -> Any:
        self.elbv2_backend.notify_terminate_instances([instance_id])
        done = terminate(self, instance_id, should_decrement)
        for name in self.autoscaling_groups:
            self.update_attached_target_groups(name)
        return done

    AutoScalingBackend.terminate_instance = terminate_instance
    AutoScalingBackend.notify_terminate_instances = notify_terminate_instances
    FakeAutoScalingGroup.set_desired_capacity = set_desired_capacity


def metrics() -> None:
    """Add DisableMetricsCollection, and let EnableMetricsCollection without a list enable all metrics.

    moto answers 500 to DisableMetricsCollection, which amazon.aws.autoscaling_group calls by default.
    """

    def enable_metrics_collection(self: AutoScalingResponse) -> ActionResult:
        group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
        group.metrics = sorted({*group.metrics, *(self._get_param("Metrics") or ALL_METRICS)})
        return EmptyResult()

    def disable_metrics_collection(self: AutoScalingResponse) -> ActionResult:
        group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
        gone = self._get_param("Metrics") or group.metrics
        group.metrics = [metric for metric in group.metrics if metric not in gone]
        return EmptyResult()

    AutoScalingResponse.enable_metrics_collection = enable_metrics_collection
    AutoScalingResponse.disable_metrics_collection = disable_metrics_collection
