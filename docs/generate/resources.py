"""The resources that the roles create, by which module, and how the emulator simulates them."""

from __future__ import annotations

import re

from docs.generate import data
from docs.generate.markdown import table

API = "the API only"
ENFORCED = "real, where IAM is enforced; no conditions"
SERVES = "the API; targets answer real HTTP"
#: By module, or by role and module: the resource, and how the emulator simulates it.
RESOURCES: dict[str, tuple[str, str]] = {
    "amazon.aws.ec2_instance": ("instance", API),
    "amazon.aws.ec2_eip": ("addresses of the NAT gateways", "the API; no packet is routed"),
    "amazon.aws.ec2_vpc_endpoint": ("endpoint for S3", "the API; no packet is routed"),
    "amazon.aws.ec2_vpc_igw": ("internet gateway", "the API; no packet is routed"),
    "amazon.aws.ec2_vpc_nat_gateway": ("NAT gateways", "the API; no packet is routed"),
    "amazon.aws.ec2_vpc_route_table": ("route tables", "the API; no packet is routed"),
    "amazon.aws.ec2_vpc_subnet": ("subnets", "the API; no packet is routed"),
    "amazon.aws.ec2_security_group": ("security groups", "the API; they allow all traffic"),
    "amazon.aws.ec2_vpc_net": ("VPC", "the API; no packet is routed"),
    "amazon.aws.iam_instance_profile": ("instance profiles", ENFORCED),
    "amazon.aws.iam_managed_policy": ("permissions boundary, managed policies", ENFORCED),
    "amazon.aws.iam_policy": ("inline policies", ENFORCED),
    "amazon.aws.iam_role": ("roles", ENFORCED),
    "amazon.aws.elb_application_lb": (
        "load balancer, listeners",
        "real: TLS, rules, weights by request, health checks",
    ),
    "amazon.aws.kms_key": ("key", "the API; nothing is encrypted at rest"),
    "amazon.aws.route53": ("alias of the domain", "the API; the proxy variables lead to the name"),
    "amazon.aws.rds_subnet_group": ("subnet group", API),
    "community.aws.acm_certificate": ("imported certificate", "real: the load balancer serves it"),
    "kubernetes.core.k8s": (
        "namespace: quota, limits, network policies, service account, rights",
        "stored by the emulator's API; Pod Security and rights have an effect, quota and network policies do not",
    ),
    "database_user: kubernetes.core.k8s": (
        "the database's user, by a Job",
        "its real script and psql, if the AWS CLI is installed; for MySQL a Job that succeeds",
    ),
    "slot: kubernetes.core.k8s": (
        "objects of a release beside its Deployment: configuration, Service, disruption budget",
        "real: the Service routes to the processes of the release",
    ),
    "teal.platform.autoscaling_target_groups": ("nodes as targets of both slots", SERVES),
    "teal.platform.cloudwatch_alarms": ("alarms", "the API; tests set their states"),
    "teal.platform.dns_certificate": (
        "certificate, validated by DNS",
        "issued by the emulator's own authority once its record exists",
    ),
    "teal.platform.dns_zone": ("hosted zone", "the API; no name server answers"),
    "teal.platform.dynamodb_table": ("table of releases", "real, as far as moto is DynamoDB"),
    "teal.platform.ec2_run_script": ("the database's user, by an instance", "the API; the script is not run"),
    "teal.platform.ecr_repository": ("image repository", "digests and tags; there are no layers"),
    "teal.platform.eks_access_entries": ("access entries", "real: they grant access"),
    "teal.platform.eks_addons": ("add-ons", API),
    "teal.platform.eks_cluster": (
        "EKS cluster",
        "the API; its endpoint is the emulator's Kubernetes, with tokens of STS as on AWS",
    ),
    "teal.platform.eks_nodegroup": ("node group", "the API, with instances and an Auto Scaling group"),
    "teal.platform.eks_pod_identities": ("pod identities", API),
    "teal.platform.http_api": (
        "HTTP API: routes, stage, throttling, access log",
        "real requests; no throttling",
    ),
    "teal.platform.iam_oidc_provider": ("trust in GitHub's tokens", "the API; no token is checked"),
    "teal.platform.lambda_functions": (
        "functions, versions, alias",
        "the Python of this machine runs the deployed package",
    ),
    "teal.platform.launch_templates": ("launch templates", "the API; user data is not executed"),
    "teal.platform.load_balancer_slots": (
        "target groups and the slots' rule",
        "real: TLS, rules, weights by request, health checks",
    ),
    "teal.platform.log_groups": ("log groups", "the API; nobody writes to them"),
    "teal.platform.rds_parameter_group": (
        "parameter group",
        "the API; it knows common parameters of PostgreSQL and MySQL, and `rds.force_ssl` has an effect",
    ),
    "teal.platform.rds_instance": ("database", "PostgreSQL: a real server; MySQL: the API"),
    "teal.platform.secretsmanager_secrets": (
        "empty secrets, whose values others put",
        "real, as far as moto is Secrets Manager",
    ),
    "teal.platform.slot_up": (
        "a release in its slot: Deployment and autoscaler; or an instance",
        "real processes with probes and HTTP: the sample service, or a jar or command of yours",
    ),
    "teal.platform.sns_topic": ("topic and subscriptions", "the API; no subscriber gets a message"),
    "teal.platform.traffic_switch": ("the weights", "real: by request, at several addresses a moment apart"),
    "teal.platform.vpc_flow_log": ("flow log", API),
}
#: Modules that create no lasting resource.
WITHOUT_RESOURCES = re.compile(
    r"amazon\.aws\.(aws_caller_info|ec2_eni|\w+_info)|kubernetes\.core\.k8s_(info|log)"
    r"|teal\.platform\.(component_info|ec2_image_age_info|ignored_tags_info|release_\w+|slot_check|slot_lease|slot_migrate|slot_prepare|slot_retire)"
    r"|teal\.platform\.(sonar_quality_gate|status_page)"
)
MODULE = re.compile(r"^\s*-?\s*((?:amazon|community|kubernetes|teal)\.\w+\.\w+):", re.MULTILINE)


def modules(role: str) -> list[str]:
    """Return the modules that create resources in a role, in the order of its tasks."""
    files = sorted((data.ROOT / "roles" / role / "tasks").glob("*.yml"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.stem != "absent")
    return [name for name in dict.fromkeys(MODULE.findall(text)) if not WITHOUT_RESOURCES.fullmatch(name)]


def block() -> str:
    """Return a row for each module of each component. Raises KeyError for a module that is missing in RESOURCES."""
    components = dict.fromkeys(name for env in data.environments() for name in env.components)
    rows = []
    for component in components:
        for role in (component, "slot") if component == "release" else (component,):
            for name in modules(role):
                what, simulated = RESOURCES.get(f"{role}: {name}") or RESOURCES[name]
                rows.append([component, what, f"`{name}`", simulated])
    return table(["Component", "Resource", "Created by", "On the emulator"], rows)
