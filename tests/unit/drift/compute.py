"""EKS, Lambda and the HTTP API."""

from __future__ import annotations

import functools
import io
import pathlib
import tempfile
import zipfile
from typing import Any

from tests.unit.drift import world
from tests.unit.drift.harness import Case, aws

CREATED = "AWS cannot change it after creation; the module says so"
EKS = {"cluster": "drift", "tags": world.TAGS}
FUNCTION = {"FunctionName": "shop-drift-hello"}
NODES = {"clusterName": "drift", "nodegroupName": "nodes"}


def cluster(**change: Any) -> None:
    aws("eks").update_cluster_config(name="drift", **change)


def nodes(**change: Any) -> None:
    aws("eks").update_nodegroup_config(**NODES, **change)


def scaling(**change: int) -> None:
    nodes(scalingConfig={"minSize": 2, "maxSize": 4, "desiredSize": 2, **change})


def untag(arn: str) -> None:
    aws("eks").untag_resource(resourceArn=arn, tagKeys=["Environment"])


def other_template_version() -> None:
    ec2 = aws("ec2")
    number = ec2.create_launch_template_version(
        LaunchTemplateName="drift-nodes", LaunchTemplateData={"InstanceType": "t3.xlarge"}
    )["LaunchTemplateVersion"]["VersionNumber"]
    template = {"name": "drift-nodes", "version": str(number)}
    aws("eks").update_nodegroup_version(**NODES, launchTemplate=template)


def entry() -> dict[str, str]:
    return {"clusterName": "drift", "principalArn": world.role("drift-qa")}


def policy(scope: dict[str, Any] | None = None, name: str = "AmazonEKSViewPolicy") -> dict[str, Any]:
    which = {"policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}", **entry()}
    return {**which, "accessScope": scope} if scope else which


def association() -> dict[str, Any]:
    eks = aws("eks")
    listed = eks.list_pod_identity_associations(clusterName="drift")["associations"][0]
    return {"clusterName": "drift", "associationId": listed["associationId"]}


@functools.cache
def source() -> str:
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "hello.py").write_text("def handler(event, context): return {}\n")
    return str(folder)


def package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hello.py", "def handler(event, context): return {'changed': True}\n")
    return packed.getvalue()


def publish() -> None:
    version = aws("lambda").publish_version(**FUNCTION)["Version"]
    aws("lambda").update_alias(**FUNCTION, Name="live", FunctionVersion=version)


def function(**change: Any) -> None:
    aws("lambda").update_function_configuration(**FUNCTION, **change)
    publish()


def code(**change: Any) -> None:
    aws("lambda").update_function_code(**FUNCTION, **change)
    publish()


def permit(**change: str) -> None:
    where = {**FUNCTION, "StatementId": "alarms", "Qualifier": "live"}
    aws("lambda").remove_permission(**where)
    wanted = {
        "Action": "lambda:InvokeFunction",
        "Principal": "sns.amazonaws.com",
        "SourceArn": world.topic("drift"),
    }
    aws("lambda").add_permission(**where, **wanted | change)


def api() -> dict[str, str]:
    found = aws("apigatewayv2").get_apis()["Items"]
    return {"ApiId": next(one["ApiId"] for one in found if one["Name"] == "drift")}


def first(kind: str) -> dict[str, Any]:
    return getattr(aws("apigatewayv2"), f"get_{kind}")(**api())["Items"][0]


def route(**change: Any) -> None:
    aws("apigatewayv2").update_route(**api(), RouteId=first("routes")["RouteId"], **change)


def integration(**change: Any) -> None:
    identifier = first("integrations")["IntegrationId"]
    aws("apigatewayv2").update_integration(**api(), IntegrationId=identifier, **change)


def authorizer(**change: Any) -> None:
    identifier = first("authorizers")["AuthorizerId"]
    aws("apigatewayv2").update_authorizer(**api(), AuthorizerId=identifier, **change)


def stage(**change: Any) -> None:
    aws("apigatewayv2").update_stage(**api(), StageName="$default", **change)


def api_permission(**change: str) -> None:
    client, sid = aws("lambda"), f"http-api-{api()['ApiId']}"
    where = {**FUNCTION, "Qualifier": "live", "StatementId": sid}
    client.remove_permission(**where)
    source_arn = f"arn:aws:execute-api:ap-northeast-2:{world.ACCOUNT}:{api()['ApiId']}/*/*"
    wanted = {
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": source_arn,
    }
    client.add_permission(**where, **wanted | change)


CASES = {
    "teal.platform.eks_cluster": Case(
        arguments=lambda: {
            "name": "drift",
            "role_arn": world.role("drift-cluster"),
            "version": "1.34",
            "subnet_ids": world.subnets()[:2],
            "public_access_cidrs": ["203.0.113.0/24"],
            "logs": ["api", "audit"],
            "encryption_key_arn": world.key("drift-cluster"),
            "tags": world.TAGS,
        },
        rows={
            "CreateCluster.deletionProtection": lambda: cluster(deletionProtection=True),
            "CreateCluster.logging.clusterLogging": lambda: cluster(
                logging={"clusterLogging": [{"types": ["audit"], "enabled": False}]}
            ),
            "CreateCluster.resourcesVpcConfig.endpointPrivateAccess": lambda: cluster(
                resourcesVpcConfig={"endpointPrivateAccess": False}
            ),
            "CreateCluster.resourcesVpcConfig.endpointPublicAccess": lambda: cluster(
                resourcesVpcConfig={"endpointPublicAccess": False}
            ),
            "CreateCluster.resourcesVpcConfig.publicAccessCidrs": lambda: cluster(
                resourcesVpcConfig={"publicAccessCidrs": ["0.0.0.0/0"]}
            ),
            "CreateCluster.resourcesVpcConfig.subnetIds": lambda: cluster(
                resourcesVpcConfig={"subnetIds": world.subnets()}
            ),
            "CreateCluster.upgradePolicy.supportType": lambda: cluster(
                upgradePolicy={"supportType": "EXTENDED"}
            ),
            "CreateCluster.tags": lambda: untag(aws("eks").describe_cluster(name="drift")["cluster"]["arn"]),
        },
        fixed={
            "CreateCluster.accessConfig.authenticationMode": "EKS does not go back from API",
            "CreateCluster.accessConfig.bootstrapClusterCreatorAdminPermissions": "it counts at creation",
            "CreateCluster.encryptionConfig": CREATED,
            "CreateCluster.roleArn": CREATED,
            "CreateCluster.version": "a newer one is refused by name, see test_eks.py",
        },
    ),
    "teal.platform.eks_nodegroup": Case(
        arguments=lambda: {
            "cluster": "drift",
            "name": "nodes",
            "role_arn": world.role("drift-nodes"),
            "subnet_ids": world.subnets()[:2],
            "launch_template": world.launch_template("drift-nodes"),
            "version": "1.34",
            "labels": {"team": "shop"},
            "tags": world.TAGS,
        },
        rows={
            "CreateNodegroup.labels.team": lambda: nodes(labels={"addOrUpdateLabels": {"team": "other"}}),
            "CreateNodegroup.launchTemplate.version": other_template_version,
            "CreateNodegroup.scalingConfig.desiredSize": lambda: scaling(desiredSize=3),
            "CreateNodegroup.scalingConfig.maxSize": lambda: scaling(maxSize=9),
            "CreateNodegroup.scalingConfig.minSize": lambda: scaling(minSize=1),
            "CreateNodegroup.updateConfig.maxUnavailable": lambda: nodes(updateConfig={"maxUnavailable": 2}),
            "CreateNodegroup.tags": lambda: untag(
                aws("eks").describe_nodegroup(**NODES)["nodegroup"]["nodegroupArn"]
            ),
        },
        fixed={
            "CreateNodegroup.amiType": CREATED,
            "CreateNodegroup.capacityType": CREATED,
            "CreateNodegroup.nodeRole": CREATED,
            "CreateNodegroup.subnets": CREATED,
            "CreateNodegroup.version": "it never gets ahead of the cluster's, which does not go back",
        },
    ),
    "teal.platform.eks_addons": Case(
        arguments=lambda: {
            **EKS,
            "addons": [
                {
                    "name": "vpc-cni",
                    "version": "v1.20.4-eksbuild.1",
                    "configuration": {"enableNetworkPolicy": "true"},
                }
            ],
        },
        rows={
            "CreateAddon.addonVersion": lambda: aws("eks").update_addon(
                clusterName="drift", addonName="vpc-cni", addonVersion="v1.19.0-eksbuild.1"
            ),
            "CreateAddon.configurationValues": lambda: aws("eks").update_addon(
                clusterName="drift", addonName="vpc-cni", configurationValues="{}"
            ),
            "CreateAddon.tags": lambda: untag(
                aws("eks").describe_addon(clusterName="drift", addonName="vpc-cni")["addon"]["addonArn"]
            ),
        },
    ),
    "teal.platform.eks_access_entries": Case(
        arguments=lambda: {
            **EKS,
            "entries": [
                {
                    "principal_arn": world.role("drift-qa"),
                    "groups": ["viewers"],
                    "policies": ["AmazonEKSViewPolicy"],
                }
            ],
        },
        rows={
            "AssociateAccessPolicy.accessScope.type": lambda: aws("eks").associate_access_policy(
                **policy({"type": "namespace", "namespaces": ["shop"]})
            ),
            "AssociateAccessPolicy.policyArn": lambda: aws("eks").disassociate_access_policy(**policy()),
            "CreateAccessEntry.kubernetesGroups": lambda: aws("eks").update_access_entry(
                **entry(), kubernetesGroups=["system:masters"]
            ),
            "CreateAccessEntry.tags": lambda: untag(
                aws("eks").describe_access_entry(**entry())["accessEntry"]["accessEntryArn"]
            ),
        },
    ),
    "teal.platform.eks_pod_identities": Case(
        arguments=lambda: {
            **EKS,
            "associations": [
                {"namespace": "shop", "service_account": "shop", "role_arn": world.role("drift-pod")}
            ],
        },
        rows={
            "CreatePodIdentityAssociation.roleArn": lambda: aws("eks").update_pod_identity_association(
                **association(), roleArn=world.role("drift-qa")
            ),
            "CreatePodIdentityAssociation.tags": lambda: untag(
                aws("eks").describe_pod_identity_association(**association())["association"]["associationArn"]
            ),
        },
        fixed={
            "CreatePodIdentityAssociation.namespace": CREATED,
            "CreatePodIdentityAssociation.serviceAccount": CREATED,
        },
    ),
    "teal.platform.lambda_functions": Case(
        arguments=lambda: {
            "prefix": "shop-drift-",
            "role": world.role("drift-functions"),
            "functions": [
                {
                    "name": "hello",
                    "description": "Says hello",
                    "source": source(),
                    "handler": "hello.handler",
                    "runtime": "python3.13",
                    "environment": {"LEVEL": "info"},
                    "in_vpc": True,
                    "callers": [
                        {
                            "id": "alarms",
                            "principal": "sns.amazonaws.com",
                            "source_arn": world.topic("drift"),
                        }
                    ],
                }
            ],
            "subnet_ids": world.subnets()[:1],
            "security_group_ids": [world.group("drift-functions")],
            "tags": world.TAGS,
        },
        rows={
            "CreateFunction.Description": lambda: function(Description="changed"),
            "CreateFunction.Handler": lambda: function(Handler="other.handler"),
            "CreateFunction.Runtime": lambda: function(Runtime="python3.12"),
            "CreateFunction.MemorySize": lambda: function(MemorySize=512),
            "CreateFunction.Timeout": lambda: function(Timeout=60),
            "CreateFunction.Role": lambda: function(Role=world.role("drift-other")),
            "CreateFunction.Environment.Variables.LEVEL": lambda: function(
                Environment={"Variables": {"LEVEL": "debug"}}
            ),
            "CreateFunction.VpcConfig.SubnetIds": lambda: function(
                VpcConfig={
                    "SubnetIds": world.subnets()[1:2],
                    "SecurityGroupIds": [world.group("drift-functions")],
                }
            ),
            "CreateFunction.VpcConfig.SecurityGroupIds": lambda: function(
                VpcConfig={
                    "SubnetIds": world.subnets()[:1],
                    "SecurityGroupIds": [world.group("drift-other")],
                }
            ),
            "CreateFunction.Code.ZipFile": lambda: code(ZipFile=package()),
            "CreateFunction.Architectures": lambda: code(ZipFile=package(), Architectures=["x86_64"]),
            "CreateFunction.Tags": lambda: aws("lambda").untag_resource(
                Resource=f"arn:aws:lambda:ap-northeast-2:{world.ACCOUNT}:function:shop-drift-hello",
                TagKeys=["ManagedBy"],
            ),
            "CreateAlias.FunctionVersion": lambda: code(ZipFile=package()),
            "AddPermission.Action": lambda: permit(Action="lambda:GetFunction"),
            "AddPermission.Principal": lambda: permit(Principal="events.amazonaws.com"),
            "AddPermission.SourceArn": lambda: permit(SourceArn=world.topic("drift-other")),
            "PutRetentionPolicy.retentionInDays": lambda: aws("logs").put_retention_policy(
                logGroupName="/aws/lambda/shop-drift-hello", retentionInDays=1
            ),
        },
        fixed={"CreateLogGroup.tags": "they count when the function is missing; nothing is found by them"},
    ),
    "teal.platform.http_api": Case(
        arguments=lambda: {
            "name": "drift",
            "description": "Functions",
            "routes": [{"route": "GET /hello", "function": "hello", "authorization": "JWT"}],
            "functions": {
                "hello": f"arn:aws:lambda:ap-northeast-2:{world.ACCOUNT}:function:shop-drift-hello:live"
            },
            "jwt": {"issuer": "https://issuer.example.com", "audience": ["shop"]},
            "access_log_group_arn": world.log_group("/drift/api"),
            "tags": {**world.TAGS, "Name": "drift"},
        },
        rows={
            "CreateApi.Description": lambda: aws("apigatewayv2").update_api(**api(), Description="changed"),
            "CreateApi.Tags": lambda: aws("apigatewayv2").untag_resource(
                ResourceArn=f"arn:aws:apigateway:ap-northeast-2::/apis/{api()['ApiId']}",
                TagKeys=["ManagedBy"],
            ),
            "CreateAuthorizer.JwtConfiguration.Audience": lambda: authorizer(
                JwtConfiguration={"Issuer": "https://issuer.example.com", "Audience": ["other"]}
            ),
            "CreateAuthorizer.JwtConfiguration.Issuer": lambda: authorizer(
                JwtConfiguration={"Issuer": "https://evil.example.com", "Audience": ["shop"]}
            ),
            "CreateAuthorizer.IdentitySource": lambda: authorizer(
                IdentitySource=["$request.querystring.token"]
            ),
            "CreateIntegration.IntegrationUri": lambda: integration(
                IntegrationUri=f"arn:aws:lambda:ap-northeast-2:{world.ACCOUNT}:function:other"
            ),
            "CreateIntegration.PayloadFormatVersion": lambda: integration(PayloadFormatVersion="1.0"),
            "CreateRoute.AuthorizationType": lambda: route(AuthorizationType="NONE"),
            "CreateRoute.RouteKey": lambda: route(RouteKey="GET /other"),
            "CreateRoute.Target": lambda: route(Target="integrations/other"),
            "CreateRoute.AuthorizerId": lambda: route(AuthorizerId="other"),
            "CreateStage.AutoDeploy": lambda: stage(AutoDeploy=False),
            "CreateStage.AccessLogSettings.DestinationArn": lambda: stage(
                AccessLogSettings={"DestinationArn": world.log_group("/drift/other"), "Format": "$context.ip"}
            ),
            "CreateStage.AccessLogSettings.Format": lambda: stage(
                AccessLogSettings={"DestinationArn": world.log_group("/drift/api"), "Format": "$context.ip"}
            ),
            "CreateStage.DefaultRouteSettings.ThrottlingBurstLimit": lambda: stage(
                DefaultRouteSettings={"ThrottlingBurstLimit": 5000, "ThrottlingRateLimit": 1.0}
            ),
            "CreateStage.DefaultRouteSettings.ThrottlingRateLimit": lambda: stage(
                DefaultRouteSettings={"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 10000.0}
            ),
            "AddPermission.Action": lambda: api_permission(Action="lambda:GetFunction"),
            "AddPermission.Principal": lambda: api_permission(Principal="events.amazonaws.com"),
            "AddPermission.SourceArn": lambda: api_permission(
                SourceArn="arn:aws:execute-api:ap-northeast-2:210987654321:other/*/*"
            ),
        },
        fixed={
            "CreateApi.ProtocolType": CREATED,
            "CreateAuthorizer.AuthorizerType": CREATED,
            "CreateIntegration.IntegrationType": CREATED,
            "CreateStage.Tags": "tags of the stage count at creation; nothing is found by them",
        },
    ),
}
