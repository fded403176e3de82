"""Each patch of moto: plain moto has the fault, patched moto does not.

A fault is a function that returns a description of the wrong behaviour, or nothing. When plain moto no longer
has a fault, the test fails and asks to remove the patch.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_resources import (
    cluster,
    group,
    instances,
    load_balancer,
    name,
    network,
    nodegroup,
    target_group,
    targets,
)
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from rehearsal import certificates

Fault = Callable[[Any], Any]
FAULTS: list[Fault] = []


def fault(function: Fault) -> Fault:
    FAULTS.append(function)
    return function


def shown(function: Fault, cloud: Any) -> Any:
    try:
        return function(cloud)
    except (ClientError, ResponseParserError, LookupError) as e:
        return repr(e)


@pytest.mark.parametrize("function", FAULTS, ids=lambda function: function.__name__)
def test_patch(function: Fault, plain: Any, patched: Any) -> None:
    assert shown(function, plain), "moto no longer needs this patch: remove it"
    wrong = shown(function, patched)
    assert not wrong, f"the fault is still there: {wrong}"


# ---------------------------------------------------------------- EC2


@fault
def address_without_id(cloud: Any) -> Any:
    return "AllocationId" not in cloud.client("ec2").allocate_address(Domain="standard")


@fault
def tags_by_type(cloud: Any) -> Any:
    ec2 = cloud.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_tags(Resources=[address], Tags=[{"Key": "Name", "Value": "x"}])
    filters = [
        {"Name": "resource-id", "Values": [address]},
        {"Name": "resource-type", "Values": ["elastic-ip"]},
    ]
    return not ec2.describe_tags(Filters=filters)["Tags"]


def _nat_gateway(cloud: Any) -> tuple[Any, dict[str, Any], str]:
    ec2 = cloud.client("ec2")
    _, subnets = network(cloud)
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=allocation)["NatGateway"]
    return ec2, made, allocation


@fault
def nat_gateway_tags_by_type(cloud: Any) -> Any:
    ec2, made, _ = _nat_gateway(cloud)
    ec2.create_tags(Resources=[made["NatGatewayId"]], Tags=[{"Key": "Name", "Value": "x"}])
    filters = [
        {"Name": "resource-id", "Values": [made["NatGatewayId"]]},
        {"Name": "resource-type", "Values": ["natgateway"]},
    ]
    return not ec2.describe_tags(Filters=filters)["Tags"]


@fault
def nat_gateways_by_tag(cloud: Any) -> Any:
    ec2, _, _ = _nat_gateway(cloud)
    return ec2.describe_nat_gateways(Filters=[{"Name": "tag:Name", "Values": [name()]}])["NatGateways"]


@fault
def nat_gateway_keeps_its_address(cloud: Any) -> Any:
    ec2, made, allocation = _nat_gateway(cloud)
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    return ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0].get("AssociationId")


@fault
def console_of_another_machine(cloud: Any) -> Any:
    ec2 = cloud.client("ec2")
    made = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    return ec2.get_console_output(InstanceId=made)["Output"]


@fault
def launch_template_tags_later(cloud: Any) -> Any:
    ec2 = cloud.client("ec2")
    data = {"ImageId": "ami-12c6146b"}
    made = ec2.create_launch_template(LaunchTemplateName=name(), LaunchTemplateData=data)["LaunchTemplate"]
    ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "Name", "Value": "x"}])
    found = ec2.describe_launch_templates(LaunchTemplateIds=[made["LaunchTemplateId"]])["LaunchTemplates"]
    return not found[0].get("Tags")


@fault
def launch_template_tags_in_data(cloud: Any) -> Any:
    ec2 = cloud.client("ec2")
    made = ec2.create_launch_template(
        LaunchTemplateName=name(),
        LaunchTemplateData={"ImageId": "ami-12c6146b"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "x"}]}],
    )["LaunchTemplate"]
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])
    return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"].get("TagSpecifications")


# ---------------------------------------------------------------- Auto Scaling


@fault
def group_in_one_subnet(cloud: Any) -> Any:
    _, subnets = network(cloud)
    made = group(cloud, subnets, size=2)
    ids = [instance["InstanceId"] for instance in instances(cloud, made)]
    found = cloud.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return {i["SubnetId"] for reservation in found for i in reservation["Instances"]} != set(subnets)


@fault
def replacement_is_no_target(cloud: Any) -> Any:
    vpc, subnets = network(cloud)
    arn = target_group(cloud, vpc)
    made = group(cloud, subnets, TargetGroupARNs=[arn])
    first = instances(cloud, made)[0]["InstanceId"]
    cloud.client("ec2").terminate_instances(InstanceIds=[first])
    return targets(cloud, arn) ^ {instance["InstanceId"] for instance in instances(cloud, made)}


@fault
def scaled_in_stays_target(cloud: Any) -> Any:
    vpc, subnets = network(cloud)
    arn = target_group(cloud, vpc)
    made = group(cloud, subnets, TargetGroupARNs=[arn])
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName=made, DesiredCapacity=1)
    return targets(cloud, arn) ^ {instance["InstanceId"] for instance in instances(cloud, made)}


@fault
def ended_by_its_group_stays_target(cloud: Any) -> Any:
    vpc, subnets = network(cloud)
    arn = target_group(cloud, vpc)
    made = group(cloud, subnets, TargetGroupARNs=[arn])
    cloud.client("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=instances(cloud, made)[0]["InstanceId"], ShouldDecrementDesiredCapacity=False
    )
    return targets(cloud, arn) ^ {instance["InstanceId"] for instance in instances(cloud, made)}


@fault
def metrics_cannot_be_disabled(cloud: Any) -> Any:
    _, subnets = network(cloud)
    made = group(cloud, subnets, size=0)
    cloud.client("autoscaling").disable_metrics_collection(AutoScalingGroupName=made)


@fault
def all_metrics(cloud: Any) -> Any:
    autoscaling = cloud.client("autoscaling")
    _, subnets = network(cloud)
    made = group(cloud, subnets, size=0)
    autoscaling.enable_metrics_collection(AutoScalingGroupName=made, Granularity="1Minute")
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[made])["AutoScalingGroups"][0]
    return len(found["EnabledMetrics"]) < 8


# ---------------------------------------------------------------- load balancers


@fault
def tags_of_any_number(cloud: Any) -> Any:
    elb, arn = cloud.client("elbv2"), load_balancer(cloud)["LoadBalancerArn"]
    assert elb.describe_tags(ResourceArns=[arn] * 20)["TagDescriptions"]
    try:
        elb.describe_tags(ResourceArns=[arn] * 21)
    except ClientError as e:
        return e.response["Error"]["Code"] != "ValidationError"
    return "21 ARNs accepted"


@fault
def load_balancer_without_addresses(cloud: Any) -> Any:
    arn = load_balancer(cloud)["LoadBalancerArn"]
    description = "ELB " + arn.split(":loadbalancer/")[1]
    found = cloud.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": [description]}]
    )["NetworkInterfaces"]
    return len({interface["Association"]["PublicIp"] for interface in found}) != 2


@fault
def load_balancer_leaves_interfaces(cloud: Any) -> Any:
    arn = load_balancer(cloud)["LoadBalancerArn"]
    description = [{"Name": "description", "Values": ["ELB " + arn.split(":loadbalancer/")[1]]}]
    ec2 = cloud.client("ec2")
    if not ec2.describe_network_interfaces(Filters=description)["NetworkInterfaces"]:
        return "there are none to begin with"
    cloud.client("elbv2").delete_load_balancer(LoadBalancerArn=arn)
    return ec2.describe_network_interfaces(Filters=description)["NetworkInterfaces"]


@fault
def protected_load_balancer_can_be_deleted(cloud: Any) -> Any:
    elb = cloud.client("elbv2")
    arn = load_balancer(cloud)["LoadBalancerArn"]
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    try:
        elb.delete_load_balancer(LoadBalancerArn=arn)
    except ClientError as e:
        return e.response["Error"]["Code"] != "OperationNotPermitted"
    return "deleted"


# ---------------------------------------------------------------- ACM


@fault
def load_balancer_without_attributes(cloud: Any) -> Any:
    arn = load_balancer(cloud)["LoadBalancerArn"]
    found = cloud.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    named = {pair["Key"]: pair["Value"] for pair in found}
    return {"access_logs.s3.enabled": "false", "idle_timeout.timeout_seconds": "60"}.items() - named.items()


@fault
def certificate_chain_grows(cloud: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        ca = certificates.authority(Path(folder))
        own = certificates.server(Path(folder), "own", ["example.com"], ca)
        acm = cloud.client("acm")
        arn = acm.import_certificate(
            Certificate=own.cert_file.read_bytes(),
            PrivateKey=own.key_file.read_bytes(),
            CertificateChain=ca.cert_file.read_bytes(),
        )["CertificateArn"]
        return acm.get_certificate(CertificateArn=arn)["CertificateChain"].strip() != (
            ca.cert_file.read_text().strip()
        )


@fault
def certificate_is_not_issued_by_its_record(cloud: Any) -> Any:
    acm, route53 = cloud.client("acm"), cloud.client("route53")
    domain = f"{name()}.example.com"
    arn = acm.request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]
    pending = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert pending["Status"] == "PENDING_VALIDATION"
    record = pending["DomainValidationOptions"][0]["ResourceRecord"]
    zone = route53.create_hosted_zone(Name=domain, CallerReference=name())["HostedZone"]["Id"]
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": record["Name"],
            "Type": record["Type"],
            "TTL": 60,
            "ResourceRecords": [{"Value": record["Value"]}],
        },
    }
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    return acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] != "ISSUED"


# ---------------------------------------------------------------- RDS, DynamoDB, ECR


@fault
def missing_parameter_group_is_an_empty_list(cloud: Any) -> Any:
    try:
        cloud.client("rds").describe_db_parameter_groups(DBParameterGroupName=name())
    except ClientError as e:
        return e.response["Error"]["Code"] not in (
            "DBParameterGroupNotFound",
            "DBParameterGroupNotFoundFault",
        )
    return "no error"


@fault
def parameter_group_without_parameters(cloud: Any) -> Any:
    rds, own = cloud.client("rds"), name()
    rds.create_db_parameter_group(
        DBParameterGroupName=own, DBParameterGroupFamily="postgres16", Description="x"
    )
    forced = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=own, Parameters=[forced])
    found = rds.describe_db_parameters(DBParameterGroupName=own)["Parameters"]
    by_name = {parameter["ParameterName"]: parameter for parameter in found}
    return (
        by_name["rds.force_ssl"]["ParameterValue"] != "1" or "AllowedValues" not in by_name["rds.force_ssl"]
    )


@fault
def database_forgets_performance_insights(cloud: Any) -> Any:
    made = cloud.client("rds").create_db_instance(
        DBInstanceIdentifier=name(),
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        EngineVersion="16.3",
        MasterUsername="teal",
        ManageMasterUserPassword=True,
        AllocatedStorage=20,
        StorageType="gp3",
        EnablePerformanceInsights=True,
    )["DBInstance"]
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=made["MasterUserSecret"]["SecretArn"])
    assert '"password"' in secret["SecretString"]
    return not made.get("PerformanceInsightsEnabled") or not made.get("StorageThroughput")


@fault
def table_without_id(cloud: Any) -> Any:
    made = cloud.client("dynamodb").create_table(
        TableName=name(),
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    described = cloud.client("dynamodb").describe_table(TableName=made["TableDescription"]["TableName"])
    return made["TableDescription"]["TableId"] != described["Table"]["TableId"]


def _table(cloud: Any) -> tuple[Any, str, str]:
    dynamodb, own = cloud.client("dynamodb"), name()
    made = dynamodb.create_table(
        TableName=own,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}],
    )
    return dynamodb, own, made["TableDescription"]["TableArn"]


@fault
def table_has_a_tag_twice(cloud: Any) -> Any:
    dynamodb, _, arn = _table(cloud)
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "2"}])
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return sorted((tag["Key"], tag["Value"]) for tag in tags) != [("a", "2"), ("b", "1"), ("c", "2")]


@fault
def transaction_is_not_known_again(cloud: Any) -> Any:
    dynamodb, table, _ = _table(cloud)
    new = {
        "Put": {
            "TableName": table,
            "Item": {"pk": {"S": "x"}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
    for _ in "ab":
        dynamodb.transact_write_items(TransactItems=[new], ClientRequestToken="token")
    other = {"Delete": {"TableName": table, "Key": {"pk": {"S": "x"}}}}
    try:
        dynamodb.transact_write_items(TransactItems=[other], ClientRequestToken="token")
    except ClientError as e:
        return e.response["Error"]["Code"] != "IdempotentParameterMismatchException"
    return "the token was taken for another request"


@fault
def digest_is_not_of_the_manifest(cloud: Any) -> Any:
    ecr, own = cloud.client("ecr"), name()
    ecr.create_repository(repositoryName=own)
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}'
    image = ecr.put_image(repositoryName=own, imageManifest=manifest, imageTag="x")["image"]
    return image["imageId"]["imageDigest"] != f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


@fault
def alias_as_it_was_sent(cloud: Any) -> Any:
    route53, domain = cloud.client("route53"), f"{name()}.example.com"
    zone = route53.create_hosted_zone(Name=domain, CallerReference=name())["HostedZone"]["Id"]
    alias = {"HostedZoneId": "Z1", "DNSName": "Shop-1.elb.amazonaws.com", "EvaluateTargetHealth": False}
    record = {"Name": domain, "Type": "A", "AliasTarget": alias}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return next(one for one in found if one["Type"] == "A")["AliasTarget"]["DNSName"] == alias["DNSName"]


def _change(route53: Any, zone: str, *changes: tuple[str, str, str]) -> str:
    """Make changes of (action, name, address); return the code of the error, or the empty string."""
    batch = [
        {
            "Action": action,
            "ResourceRecordSet": {
                "Name": record,
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": address}],
            },
        }
        for action, record, address in changes
    ]
    try:
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
    except ClientError as e:
        return e.response["Error"]["Code"]
    return ""


@fault
def deleted_record_is_not_created_again(cloud: Any) -> Any:
    route53, domain = cloud.client("route53"), f"{name()}.example.com"
    zone = route53.create_hosted_zone(Name=domain, CallerReference=name())["HostedZone"]["Id"]
    assert _change(route53, zone, ("CREATE", f"z.{domain}", "192.0.2.9")) == ""
    for action in ("CREATE", "DELETE", "CREATE"):
        if code := _change(route53, zone, (action, domain, "192.0.2.1")):
            return code
    both = ("DELETE", domain, "192.0.2.1"), ("CREATE", domain, "192.0.2.1")
    return _change(route53, zone, *both)


@fault
def existing_record_is_created_with_another_value(cloud: Any) -> Any:
    route53, domain = cloud.client("route53"), f"{name()}.example.com"
    zone = route53.create_hosted_zone(Name=domain, CallerReference=name())["HostedZone"]["Id"]
    assert _change(route53, zone, ("CREATE", domain, "192.0.2.1")) == ""
    codes = [_change(route53, zone, ("CREATE", domain, address)) for address in ("192.0.2.1", "192.0.2.2")]
    return codes != ["InvalidChangeBatch"] * 2


@fault
def zone_forgets_its_signing(cloud: Any) -> Any:
    route53 = cloud.client("route53")
    zone = route53.create_hosted_zone(Name=f"{name()}.example.com", CallerReference=name())["HostedZone"][
        "Id"
    ]
    route53.enable_hosted_zone_dnssec(HostedZoneId=zone)
    on = route53.get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"]
    route53.disable_hosted_zone_dnssec(HostedZoneId=zone)
    return (on, route53.get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"]) != (
        "SIGNING",
        "NOT_SIGNING",
    )


@fault
def no_quota_of_vcpus(cloud: Any) -> Any:
    quotas = cloud.client("service-quotas")
    return quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]["Value"] <= 0


@fault
def key_by_arn(cloud: Any) -> Any:
    kms = cloud.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=arn)
    return kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] != "PendingDeletion"


# ---------------------------------------------------------------- IAM


@fault
def instance_profiles_of_any_path(cloud: Any) -> Any:
    iam, own = cloud.client("iam"), name()
    for path in (f"/{own}/", f"/{own}-2/"):
        iam.create_instance_profile(InstanceProfileName=name(), Path=path)
    found = iam.list_instance_profiles(PathPrefix=f"/{own}/")["InstanceProfiles"]
    return [profile["Path"] for profile in found] != [f"/{own}/"]


@fault
def audience_cannot_be_added(cloud: Any) -> Any:
    iam = cloud.client("iam")
    made = iam.create_open_id_connect_provider(
        Url=f"https://{name()}.example.com", ClientIDList=["theirs"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=made, ClientID="ours")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=made)["ClientIDList"]
    return sorted(found) != ["ours", "theirs"]


# ---------------------------------------------------------------- EKS


@fault
def cluster_is_nowhere(cloud: Any) -> Any:
    own, _ = cluster(cloud)
    described = cloud.client("eks").describe_cluster(name=own)["cluster"]
    authority = base64.b64decode(described["certificateAuthority"]["data"] + "==")
    return not authority.startswith(b"-----BEGIN CERTIFICATE") or "127.0.0.1" not in described["endpoint"]


@fault
def clusters_share_an_issuer(cloud: Any) -> Any:
    eks = cloud.client("eks")
    one, other = (eks.describe_cluster(name=cluster(cloud)[0])["cluster"]["identity"] for _ in "ab")
    return one == other


@fault
def cluster_forgets_its_settings(cloud: Any) -> Any:
    own, _ = cluster(cloud, accessConfig={"authenticationMode": "API"}, deletionProtection=True)
    described = cloud.client("eks").describe_cluster(name=own)["cluster"]
    vpc = described["resourcesVpcConfig"]
    assert vpc["publicAccessCidrs"] == ["0.0.0.0/0"]
    assert vpc["clusterSecurityGroupId"].startswith("sg-")
    return described["accessConfig"] != {"authenticationMode": "API"} or not described["deletionProtection"]


@fault
def cluster_update_is_no_update(cloud: Any) -> Any:
    eks = cloud.client("eks")
    own, _ = cluster(cloud, version="1.33")
    closed = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    update = eks.update_cluster_config(name=own, resourcesVpcConfig=closed)["update"]
    assert eks.describe_update(name=own, updateId=update["id"])["update"]["status"] == "Successful"
    eks.update_cluster_version(name=own, version="1.34")
    described = eks.describe_cluster(name=own)["cluster"]
    return (
        described["version"] != "1.34"
        or described["resourcesVpcConfig"]["endpointPublicAccess"]
        or len(described["resourcesVpcConfig"]["subnetIds"]) != 2
    )


@fault
def cluster_skips_versions(cloud: Any) -> Any:
    own, _ = cluster(cloud, version="1.32")
    try:
        cloud.client("eks").update_cluster_version(name=own, version="1.34")
    except ClientError as e:
        return e.response["Error"]["Code"] != "InvalidParameterException"
    return "no error"


@fault
def logging_of_one_type(cloud: Any) -> Any:
    eks = cloud.client("eks")
    own, _ = cluster(cloud, logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]})
    eks.update_cluster_config(name=own, logging={"clusterLogging": [{"types": ["api"], "enabled": False}]})
    setups = eks.describe_cluster(name=own)["cluster"]["logging"]["clusterLogging"]
    return [setup["types"] for setup in setups if setup["enabled"]] != [["audit"]]


@fault
def nodegroup_without_update_config(cloud: Any) -> Any:
    cluster_name, own = nodegroup(cloud)
    found = cloud.client("eks").describe_nodegroup(clusterName=cluster_name, nodegroupName=own)["nodegroup"]
    return found["updateConfig"] != {"maxUnavailable": 1} or found.get("remoteAccess")


def _instances_of(cloud: Any, cluster_name: str) -> list[dict[str, Any]]:
    found = cloud.client("ec2").describe_instances(
        Filters=[
            {"Name": "tag:eks:cluster-name", "Values": [cluster_name]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    return [instance for reservation in found["Reservations"] for instance in reservation["Instances"]]


@fault
def nodegroup_without_instances(cloud: Any) -> Any:
    cluster_name, own = nodegroup(cloud)
    eks = cloud.client("eks")
    found = eks.describe_nodegroup(clusterName=cluster_name, nodegroupName=own)["nodegroup"]
    asg = found["resources"]["autoScalingGroups"][0]["name"]
    ids = {i["InstanceId"] for i in _instances_of(cloud, cluster_name)}
    subnets = {i["SubnetId"] for i in _instances_of(cloud, cluster_name)}
    return {i["InstanceId"] for i in instances(cloud, asg)} != ids or subnets != set(found["subnets"])


@fault
def nodegroup_does_not_scale(cloud: Any) -> Any:
    cluster_name, own = nodegroup(cloud)
    eks = cloud.client("eks")
    scaling = {"minSize": 1, "maxSize": 4, "desiredSize": 3}
    eks.update_nodegroup_config(clusterName=cluster_name, nodegroupName=own, scalingConfig=scaling)
    more = len(_instances_of(cloud, cluster_name))
    eks.delete_nodegroup(clusterName=cluster_name, nodegroupName=own)
    return (more, len(_instances_of(cloud, cluster_name))) != (3, 0)


@fault
def nodegroup_cannot_be_upgraded(cloud: Any) -> Any:
    cluster_name, own = nodegroup(cloud)
    before = {i["InstanceId"] for i in _instances_of(cloud, cluster_name)}
    cloud.client("eks").update_nodegroup_version(clusterName=cluster_name, nodegroupName=own)
    after = {i["InstanceId"] for i in _instances_of(cloud, cluster_name)}
    return len(after) != 2 or before & after


@fault
def no_access_entries(cloud: Any) -> Any:
    eks = cloud.client("eks")
    own, _ = cluster(cloud, accessConfig={"authenticationMode": "API"})
    principal = "arn:aws:iam::123456789012:role/qa"
    of = {"clusterName": own, "principalArn": principal}
    eks.create_access_entry(**of, kubernetesGroups=["qa"], tags={"a": "b"})
    view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    eks.associate_access_policy(**of, policyArn=view, accessScope={"type": "cluster"})
    eks.update_access_entry(**of, kubernetesGroups=["qa", "readers"])
    entry = eks.describe_access_entry(**of)["accessEntry"]
    assert entry["kubernetesGroups"] == ["qa", "readers"]
    assert eks.list_tags_for_resource(resourceArn=entry["accessEntryArn"])["tags"] == {"a": "b"}
    policies = eks.list_associated_access_policies(**of)["associatedAccessPolicies"]
    assert [policy["policyArn"] for policy in policies] == [view]
    eks.disassociate_access_policy(**of, policyArn=view)
    assert eks.list_access_entries(clusterName=own)["accessEntries"] == [principal]
    eks.delete_access_entry(**of)
    return eks.list_access_entries(clusterName=own)["accessEntries"]


@fault
def no_addons(cloud: Any) -> Any:
    eks = cloud.client("eks")
    own, _ = cluster(cloud, version="1.33")
    of = {"clusterName": own, "addonName": "vpc-cni"}
    eks.create_addon(**of, configurationValues='{"enableNetworkPolicy": "true"}')
    known = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion="1.33")["addons"]
    addon = eks.describe_addon(**of)["addon"]
    assert addon["addonVersion"] == known[0]["addonVersions"][0]["addonVersion"]
    eks.update_addon(**of, configurationValues="{}")
    assert eks.describe_addon(**of)["addon"]["configurationValues"] == "{}"
    eks.tag_resource(resourceArn=addon["addonArn"], tags={"a": "b", "c": "d"})
    eks.untag_resource(resourceArn=addon["addonArn"], tagKeys=["a", "x"])
    assert eks.describe_addon(**of)["addon"]["tags"] == {"c": "d"}
    eks.delete_addon(**of)
    return eks.list_addons(clusterName=own)["addons"]


@fault
def no_pod_identity(cloud: Any) -> Any:
    eks = cloud.client("eks")
    own, _ = cluster(cloud)
    made = eks.create_pod_identity_association(
        clusterName=own, namespace="assistant", serviceAccount="assistant", roleArn="arn:aws:iam::1:role/a"
    )["association"]
    of = {"clusterName": own, "associationId": made["associationId"]}
    eks.update_pod_identity_association(**of, roleArn="arn:aws:iam::1:role/b")
    assert eks.describe_pod_identity_association(**of)["association"]["roleArn"].endswith("/b")
    listed = eks.list_pod_identity_associations(clusterName=own, namespace="assistant")["associations"]
    assert len(listed) == 1
    eks.delete_pod_identity_association(**of)
    return eks.list_pod_identity_associations(clusterName=own)["associations"]


def test_authority_is_valid_for_20_days(tmp_path: Any) -> None:
    from cryptography import x509

    ca = certificates.authority(tmp_path)
    certificate = x509.load_pem_x509_certificate(ca.cert_file.read_bytes())
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert left > datetime.timedelta(days=20)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_failed_transaction_can_be_retried(patched: Any) -> None:
    """Only successful transactions are remembered by their token."""
    dynamodb, table, _ = _table(patched)
    there = {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"pk": {"S": "x"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.transact_write_items(TransactItems=[there], ClientRequestToken="again")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "x"}})
    dynamodb.transact_write_items(TransactItems=[there], ClientRequestToken="again")
