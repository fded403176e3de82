"""The policies of the role `identity`, rendered from its own templates for each inventory."""

from __future__ import annotations

import re

import pytest
from iam_simulator import allowed, as_list, decision
from rendered_identity import ACCOUNT, ENVIRONMENTS, REGION, Rendered, tags

#: Actions on `*` that only read, and actions that AWS does not scope to resources.
LOOKS = re.compile(r"^[a-z0-9-]+:(Describe|List|Get|BatchGet|Filter)[A-Za-z*]*$|^apigateway:GET$")
UNSCOPED = {
    "ecr:GetAuthorizationToken",
    "kms:CreateKey",
    "logs:*LogDeliver*",  # delivery of an API's access log: no resource in AWS's table of actions
    "logs:PutResourcePolicy",
    "sns:Unsubscribe",
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, Rendered]:
    return {environment: Rendered(environment) for environment in ENVIRONMENTS}


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, rendered: dict[str, Rendered]) -> Rendered:
    return rendered[request.param]


# -- form -------------------------------------------------------------------------------------------


def test_only_needed_roles_are_created(rendered: dict[str, Rendered]) -> None:
    people = {"provision", "deploy", "qa"}
    kubernetes = {"cluster", "nodes", "service", "functions", "database-user"}
    # The alarms may use a function in any environment that has alarms.
    assert set(rendered["test"].roles) == people | {"instance", "database-user", "functions"}
    assert set(rendered["staging"].roles) == people | kubernetes
    assert set(rendered["production"].roles) == people | kubernetes | {"bastion"}


def test_no_statement_allows_unbounded_access(environment: Rendered) -> None:
    for role, policies in environment.policies.items():
        for policy in policies.values():
            for statement in policy["Statement"]:
                where = f"{role}: {statement['Sid']}"
                assert statement["Effect"] == "Allow", where  # denials are the boundary's
                for action in as_list(statement["Action"]):
                    assert re.fullmatch(r"[a-z0-9-]+:[A-Z*][A-Za-z*]*", action), f"{where}: {action}"
                    assert not action.endswith(":*"), f"{where}: {action}"
                if "*" in as_list(statement["Resource"]) and "Condition" not in statement:
                    free = {a for a in as_list(statement["Action"]) if not LOOKS.match(a)} - UNSCOPED
                    assert not free, f"{where}: on every resource, without a condition: {free}"


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_customer_key_of_releases_is_used_only_through_dynamodb(name: str) -> None:
    """DynamoDB uses the key with the permissions of the caller that reads or writes the table."""
    encrypted, through = (
        Rendered(name, identity_release_keys=[KEY]),
        {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"},
    )
    test_no_statement_allows_unbounded_access(encrypted)
    for role in ("deploy", "qa", "provision"):
        for action in (
            "Encrypt",
            "Decrypt",
            "ReEncryptFrom",
            "GenerateDataKey",
            "DescribeKey",
            "CreateGrant",
        ):
            assert encrypted.may(role, f"kms:{action}", KEY, **through), f"{role}: {action}"
        assert not encrypted.may(role, "kms:Decrypt", KEY)
        assert not encrypted.may(role, "kms:Decrypt", KEY, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"})
        assert not encrypted.may(role, "kms:Decrypt", KEY.replace("1234abcd", "5678abcd"), **through)
        assert not Rendered(name).may(role, "kms:Decrypt", KEY, **through)
    assert not encrypted.may("functions", "kms:Decrypt", KEY, **through)


def test_roles_are_passed_to_named_services_only(environment: Rendered) -> None:
    for policies in environment.policies.values():
        for policy in policies.values():
            for statement in policy["Statement"]:
                if any("PassRole" in action for action in as_list(statement["Action"])):
                    assert as_list(statement["Action"]) == ["iam:PassRole"]
                    assert statement["Condition"]["StringEquals"]["iam:PassedToService"]
                    for resource in as_list(statement["Resource"]):
                        assert f":role/{environment.name}/" in resource


def test_statement_ids_are_unique(environment: Rendered) -> None:
    for policies in environment.policies.values():
        for policy in policies.values():
            names = [statement["Sid"] for statement in policy["Statement"]]
            assert len(names) == len(set(names))
            assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in names)


# -- who may assume a role ----------------------------------------------------------------------------


def test_github_is_trusted_by_environment(environment: Rendered) -> None:
    subjects = {}
    for role in ("deploy", "provision", "qa"):
        (statement,) = environment.trust[role]["Statement"]
        equals = statement["Condition"]["StringEquals"]
        assert statement["Condition"].keys() == {"StringEquals"}
        assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        subjects[role] = equals["token.actions.githubusercontent.com:sub"]
        assert statement["Principal"]["Federated"].startswith(f"arn:aws:iam::{ACCOUNT}:oidc-provider/")
    name = environment.environment
    repository = "repo:teal-platform/assistant:environment:"
    assert subjects == {
        "deploy": [f"{repository}{name}"],
        "provision": [f"{repository}{name}-infrastructure"],
        "qa": [f"{repository}{name}-rollback"],
    }


def test_repository_may_be_named_with_its_numbers() -> None:
    numbered = "teal-platform@123456/assistant@456789"
    (statement,) = Rendered("staging", identity_github_repository=numbered).trust["deploy"]["Statement"]
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subjects == [f"repo:{numbered}:environment:staging"]


def test_listed_principals_are_trusted() -> None:
    person = f"arn:aws:iam::{ACCOUNT}:role/people"
    trusted = {"deploy": [], "provision": [], "qa": [person]}
    trust = Rendered("staging", identity_trusted_principals=trusted).trust
    assert [statement["Sid"] for statement in trust["qa"]["Statement"]] == ["GitHub", "Principals"]
    assert trust["qa"]["Statement"][1]["Principal"] == {"AWS": [person]}
    assert len(trust["deploy"]["Statement"]) == 1


def test_without_github_the_account_decides() -> None:
    trust = Rendered("staging", identity_github_repository="").trust["provision"]
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}


def test_only_pods_of_one_cluster_and_namespace_are_trusted(rendered: dict[str, Rendered]) -> None:
    for role in ("service", "database-user"):
        (statement,) = rendered["production"].trust[role]["Statement"]
        assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        equals = statement["Condition"]["StringEquals"]
        assert equals["aws:RequestTag/eks-cluster-name"] == "assistant-production"
        assert equals["aws:RequestTag/kubernetes-namespace"] == "assistant"


# -- who may do what ----------------------------------------------------------------------------------


def slot_rule(environment: Rendered) -> str:
    return environment.arn("elasticloadbalancing", f"listener-rule/app/{environment.name}/1/2/3")


def test_qa_may_read_and_roll_back_to_the_warm_slot(environment: Rendered) -> None:
    rule = tags(environment.environment, "load_balancer")
    assert environment.may("qa", "elasticloadbalancing:ModifyRule", slot_rule(environment), **rule)
    table = environment.arn("dynamodb", f"table/{environment.name}-releases")
    for action in ("GetItem", "PutItem", "UpdateItem", "Query"):
        assert environment.may("qa", f"dynamodb:{action}", table)
    for action in ("DescribeRules", "DescribeTargetHealth", "DescribeLoadBalancers"):
        assert environment.may("qa", f"elasticloadbalancing:{action}")


def test_qa_may_change_the_weights_of_one_rule(environment: Rendered) -> None:
    modify = "elasticloadbalancing:ModifyRule"
    own = tags(environment.environment, "load_balancer")
    foreign = environment.arn("elasticloadbalancing", "listener-rule/app/assistant-other/1/2/3")
    assert not environment.may("qa", modify, foreign, **own)
    assert not environment.may("qa", modify, slot_rule(environment), **tags("other", "load_balancer"))
    # For example, QA must not change the preview rule of a release.
    assert not environment.may(
        "qa", modify, slot_rule(environment), **tags(environment.environment, "release")
    )
    assert not environment.may("qa", modify, slot_rule(environment))


def test_qa_may_remove_preview_rules_only_in_its_environment(environment: Rendered) -> None:
    """The recovery of a deploy whose runner died removes its preview rule with QA's role."""
    delete, rule = "elasticloadbalancing:DeleteRule", slot_rule(environment)
    assert environment.may("qa", delete, rule, **tags(environment.environment, "release"))
    assert not environment.may("qa", delete, rule, **tags("other", "release"))
    assert not environment.may("qa", delete, rule, **tags(environment.environment, "load_balancer"))
    assert not environment.may("qa", delete, rule, **tags(environment.environment))
    assert not environment.may("qa", delete, rule)
    foreign = environment.arn("elasticloadbalancing", "listener-rule/app/assistant-other/1/2/3")
    assert not environment.may("qa", delete, foreign, **tags(environment.environment, "release"))


@pytest.mark.parametrize(
    ("action", "service", "resource"),
    [
        ("elasticloadbalancing:ModifyListener", "elasticloadbalancing", "listener/app/{name}/1/2"),
        ("elasticloadbalancing:CreateRule", "elasticloadbalancing", "listener/app/{name}/1/2"),
        # The rule of the slots, which has the component load_balancer.
        ("elasticloadbalancing:DeleteRule", "elasticloadbalancing", "listener-rule/app/{name}/1/2/3"),
        ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing", "targetgroup/{name}-blue/1"),
        ("dynamodb:DeleteItem", "dynamodb", "table/{name}-releases"),
        ("dynamodb:DeleteTable", "dynamodb", "table/{name}-releases"),
        ("ecr:PutImage", "ecr", "repository/assistant"),
        ("ec2:RunInstances", "ec2", "instance/*"),
        ("ec2:TerminateInstances", "ec2", "instance/i-1"),
        ("ec2:CreateLaunchTemplateVersion", "ec2", "launch-template/lt-1"),
        ("eks:UpdateClusterConfig", "eks", "cluster/{name}"),
        ("eks:CreateAccessEntry", "eks", "cluster/{name}"),
        ("secretsmanager:GetSecretValue", "secretsmanager", "secret:{name}/service-AbCdEf"),
        ("secretsmanager:GetSecretValue", "secretsmanager", "secret:rds!db-1"),
        ("rds:ModifyDBInstance", "rds", "db:{name}"),
        ("iam:PassRole", "iam", "role/{name}/{name}-instance"),
        ("lambda:UpdateFunctionCode", "lambda", "function:{name}-hello"),
    ],
)
def test_qa_may_not_change_anything_else(
    environment: Rendered, action: str, service: str, resource: str
) -> None:
    own = tags(environment.environment, "load_balancer") | {"iam:PassedToService": "ec2.amazonaws.com"}
    name = environment.name
    assert not environment.may("qa", action, environment.arn(service, resource.format(name=name)), **own)


def test_deploy_may_only_change_releases(environment: Rendered) -> None:
    rule = slot_rule(environment)
    assert environment.may("deploy", "elasticloadbalancing:ModifyRule", rule)
    assert environment.may("deploy", "ecr:DescribeImages", environment.arn("ecr", "repository/assistant"))
    # The analysis of users' requests, and the token of its Prometheus.
    assert environment.may("deploy", "cloudwatch:GetMetricData")
    token = environment.arn("secretsmanager", f"secret:{environment.name}/analysis-prometheus-AbCdEf")
    assert environment.may("deploy", "secretsmanager:GetSecretValue", token)
    assert not environment.may("qa", "secretsmanager:GetSecretValue", token)
    own = tags(environment.environment) | tags(environment.environment, request=True)
    for action in (
        "ec2:CreateVpc",
        "ec2:AuthorizeSecurityGroupIngress",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "eks:CreateAccessEntry",
        "rds:ModifyDBInstance",
        "secretsmanager:GetSecretValue",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "dynamodb:DeleteTable",
    ):
        assert not environment.may("deploy", action, "*", **own), action


def test_provision_may_scale_down_the_idle_slot(environment: Rendered) -> None:
    table = environment.arn("dynamodb", f"table/{environment.name}-releases")
    for action in ("ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem"):
        assert environment.may("provision", f"dynamodb:{action}", table), action
    assert environment.may("provision", "cloudwatch:GetMetricStatistics")
    instance = environment.arn("ec2", "instance/i-1")
    assert environment.may("provision", "ec2:TerminateInstances", instance, **tags(environment.environment))


def test_only_the_first_environment_pushes_images(rendered: dict[str, Rendered]) -> None:
    repository = rendered["test"].arn("ecr", "repository/assistant")
    pushes = {name: it.may("deploy", "ecr:UploadLayerPart", repository) for name, it in rendered.items()}
    assert pushes == {"test": True, "staging": False, "production": False}


def test_deploy_may_tag_live_images_and_remove_none(environment: Rendered) -> None:
    repository = environment.arn("ecr", "repository/assistant")
    assert environment.may("deploy", "ecr:PutImage", repository)
    assert not environment.may("deploy", "ecr:PutImage", environment.arn("ecr", "repository/other"))
    assert not environment.may("deploy", "ecr:BatchDeleteImage", repository)


def test_deploy_launches_instances_from_its_templates_only(rendered: dict[str, Rendered]) -> None:
    test = rendered["test"]
    template = {"ec2:LaunchTemplate": test.arn("ec2", "launch-template/lt-1")}
    instance = test.arn("ec2", "instance/*")
    own = tags("test", request=True)
    assert test.may("deploy", "ec2:RunInstances", instance, **template, **own)
    assert not test.may("deploy", "ec2:RunInstances", instance, **own)
    assert not test.may("deploy", "ec2:RunInstances", instance, **template, **tags("staging", request=True))
    assert test.may(
        "deploy", "ec2:TerminateInstances", test.arn("ec2", "instance/i-1"), **tags("test", "instance")
    )
    assert not test.may(
        "deploy", "ec2:TerminateInstances", test.arn("ec2", "instance/i-1"), **tags("test", "bastion")
    )
    role = test.arn("iam", "role/assistant-test/assistant-test-instance")
    assert test.may("deploy", "iam:PassRole", role, **{"iam:PassedToService": "ec2.amazonaws.com"})
    assert not test.may("deploy", "iam:PassRole", role, **{"iam:PassedToService": "lambda.amazonaws.com"})
    other = test.arn("iam", "role/assistant-test/assistant-test-provision")
    assert not test.may("deploy", "iam:PassRole", other, **{"iam:PassedToService": "ec2.amazonaws.com"})
    assert not rendered["staging"].may("deploy", "ec2:RunInstances", instance, **template, **own)


# -- an environment's roles stay inside it --------------------------------------------------------------


NAMED = [
    ("rds:DeleteDBInstance", "rds", "db:{name}"),
    ("eks:DeleteCluster", "eks", "cluster/{name}"),
    ("dynamodb:DeleteTable", "dynamodb", "table/{name}-releases"),
    ("elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing", "loadbalancer/app/{name}/1"),
    ("elasticloadbalancing:ModifyRule", "elasticloadbalancing", "listener-rule/app/{name}/1/2/3"),
    ("lambda:DeleteFunction", "lambda", "function:{name}-hello"),
    ("logs:DeleteLogGroup", "logs", "log-group:/aws/lambda/{name}-hello"),
    ("secretsmanager:DeleteSecret", "secretsmanager", "secret:{name}/service-AbCdEf"),
    ("iam:DeleteRole", "iam", "role/{name}/{name}-nodes"),
    ("sns:DeleteTopic", "sns", "{name}-alarms"),
    ("cloudwatch:DeleteAlarms", "cloudwatch", "alarm:{name}-alb-5xx"),
]


@pytest.mark.parametrize(("action", "service", "resource"), NAMED)
def test_provision_reaches_only_its_resources_by_name(
    rendered: dict[str, Rendered], action: str, service: str, resource: str
) -> None:
    staging = rendered["staging"]
    assert staging.may("provision", action, staging.arn(service, resource.format(name="assistant-staging")))
    for other in ("assistant-production", "assistant-test", "another-staging"):
        arn = staging.arn(service, resource.format(name=other))
        assert not any(staging.may(role, action, arn) for role in staging.roles), other


@pytest.mark.parametrize(
    "action",
    ["ec2:DeleteVpc", "ec2:TerminateInstances", "ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSubnet"],
)
def test_provision_reaches_only_its_resources_by_tag(rendered: dict[str, Rendered], action: str) -> None:
    staging = rendered["staging"]
    assert staging.may("provision", action, "arn:aws:ec2:x:y:z/1", **tags("staging"))
    assert not staging.may("provision", action, "arn:aws:ec2:x:y:z/1", **tags("production"))
    assert not staging.may("provision", action, "arn:aws:ec2:x:y:z/1")


def test_provision_starts_nodes_with_the_clusters_own_security_group(rendered: dict[str, Rendered]) -> None:
    """EKS creates this group with only its own tag, and checks RunInstances of the role that creates the nodes."""
    staging, key = rendered["staging"], "aws:ResourceTag/aws:eks:cluster-name"
    group = staging.arn("ec2", "security-group/sg-1")
    assert staging.may("provision", "ec2:RunInstances", group, **{key: "assistant-staging"})
    assert not staging.may("provision", "ec2:RunInstances", group, **{key: "assistant-production"})
    assert not staging.may("provision", "ec2:RunInstances", group)
    assert not rendered["test"].may("provision", "ec2:RunInstances", group, **{key: "assistant-test"})


def test_provision_removes_leftovers_of_eks_only_of_its_cluster(rendered: dict[str, Rendered]) -> None:
    staging = rendered["staging"]
    for action, what, key in (
        (
            "DeleteNetworkInterface",
            "network-interface/eni-1",
            "aws:ResourceTag/cluster.k8s.amazonaws.com/name",
        ),
        ("DeleteSecurityGroup", "security-group/sg-1", "aws:ResourceTag/aws:eks:cluster-name"),
    ):
        arn = staging.arn("ec2", what)
        assert staging.may("provision", f"ec2:{action}", arn, **{key: "assistant-staging"})
        assert not staging.may("provision", f"ec2:{action}", arn, **{key: "assistant-production"})
        assert not staging.may("provision", f"ec2:{action}", arn)


def test_environment_with_the_same_name_prefix_is_separate(rendered: dict[str, Rendered]) -> None:
    staging = rendered["staging"]
    database = staging.arn("rds", "db:assistant-staging-2")
    assert not staging.may("provision", "rds:DeleteDBInstance", database, **tags("staging-2"))
    assert not staging.may("provision", "iam:DeleteRole", staging.arn("iam", "role/assistant-staging-2/x"))


def test_created_resources_must_have_the_tags_of_the_environment(rendered: dict[str, Rendered]) -> None:
    staging = rendered["staging"]
    vpc = staging.arn("ec2", "vpc/*")
    assert staging.may("provision", "ec2:CreateVpc", vpc, **tags("staging", request=True))
    assert not staging.may("provision", "ec2:CreateVpc", vpc, **tags("production", request=True))
    assert not staging.may("provision", "ec2:CreateVpc", vpc)


def test_provision_changes_the_records_of_its_own_domain_only(rendered: dict[str, Rendered]) -> None:
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"

    def may(records: str) -> bool:
        zone = "arn:aws:route53:::hostedzone/Z1"
        return rendered["staging"].may(
            "provision", "route53:ChangeResourceRecordSets", zone, **{key: records}
        )

    assert may("staging.assistant.example.com")
    assert may("_3f2a.staging.assistant.example.com staging.assistant.example.com")
    assert not may("assistant.example.com")
    assert not may("test.assistant.example.com")
    assert not may("staging.assistant.example.com assistant.example.com")


def test_no_resource_is_moved_between_environments_by_tags(rendered: dict[str, Rendered]) -> None:
    staging = rendered["staging"]
    thing = staging.arn("ec2", "vpc/vpc-1")
    own, foreign = tags("staging"), tags("production", request=True)
    assert staging.may("provision", "ec2:CreateTags", thing, **own, **tags("staging", request=True))
    assert not staging.may("provision", "ec2:CreateTags", thing, **own, **foreign)
    claimed = tags("production") | tags("staging", request=True)
    assert not staging.may("provision", "ec2:CreateTags", thing, **claimed)
    assert not staging.may("provision", "ec2:CreateTags", thing, **tags("staging", request=True))


def test_provision_creates_only_bounded_roles_and_cannot_change_the_boundary(environment: Rendered) -> None:
    role = environment.arn("iam", f"role/{environment.name}/{environment.name}-nodes")
    boundary = environment.arn("iam", f"policy/{environment.name}/{environment.name}-boundary")
    bounded = {"iam:PermissionsBoundary": boundary}
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert environment.may("provision", action, role, **bounded)
        assert not environment.may("provision", action, role)
        assert not environment.may("provision", action, role, **{"iam:PermissionsBoundary": "arn:aws:x"})
    for action in (
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
    ):
        assert not environment.may("provision", action, boundary)
    assert not environment.may("provision", "iam:DeleteRolePermissionsBoundary", role)
    foreign = environment.arn("iam", "role/administrator")
    assert not environment.may("provision", "iam:PutRolePolicy", foreign, **bounded)
    assert not environment.may("provision", "sts:AssumeRole", foreign)
    for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateOpenIDConnectProvider"):
        assert not environment.may("provision", action)


def test_boundary_limits_a_role_with_full_access(environment: Rendered) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    def may(action: str, resource: str = "*", **context: str) -> bool:
        return allowed([everything], environment.boundary, action, resource, context)

    assert may("ec2:DeleteVpc", **tags(environment.environment))
    assert not may("ec2:DeleteVpc", **tags("somewhere-else"))
    assert not may("iam:CreateUser")
    own = environment.arn("iam", f"role/{environment.name}/x")
    bounding = [
        entry for entry in environment.boundary["Statement"] if entry["Sid"] == "NoRoleWithoutThisBoundary"
    ]
    bound = bounding[0]["Condition"]["StringNotEquals"]["iam:PermissionsBoundary"]
    for action in ("CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy", "AttachRolePolicy"):
        assert not may(f"iam:{action}", own), action
        assert may(f"iam:{action}", own, **{"iam:PermissionsBoundary": bound}), action
    assert not may("ec2:CreateTags", **tags("somewhere-else", request=True))
    assert not may("iam:PutRolePolicy", environment.arn("iam", "role/administrator"))
    assert not may("organizations:LeaveOrganization")
    assert "*" not in {
        action
        for statement in environment.boundary["Statement"]
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }


def test_provision_cannot_rotate_secrets(environment: Rendered) -> None:
    for name in ("secret:rds!db-1-AbCdEf", f"secret:{environment.name}/service-AbCdEf"):
        secret = environment.arn("secretsmanager", name)
        for action in ("Rotate", "CancelRotate"):
            assert not environment.may("provision", f"secretsmanager:{action}Secret", secret)
    own = environment.arn("secretsmanager", f"secret:{environment.name}/service-AbCdEf")
    for action in ("Create", "Delete", "Describe", "Restore", "Update"):
        assert environment.may("provision", f"secretsmanager:{action}Secret", own)


def test_rds_creates_the_master_secret_with_the_provision_role(environment: Rendered) -> None:
    """RDS creates and tags the secret with the caller's permissions. Secrets of all databases have such a name."""
    master, key = environment.arn("secretsmanager", "secret:rds!db-1-AbCdEf"), "aws:rds:primaryDBInstanceArn"
    own = {f"aws:ResourceTag/{key}": environment.arn("rds", f"db:{environment.name}")}
    foreign = {f"aws:ResourceTag/{key}": environment.arn("rds", "db:another")}
    assert environment.may("provision", "secretsmanager:CreateSecret", master)
    for action in ("CreateSecret", "TagResource"):
        assert environment.may("provision", f"secretsmanager:{action}", master, **own)
        assert not environment.may("provision", f"secretsmanager:{action}", master, **foreign)
    for action in ("DeleteSecret", "GetSecretValue", "PutSecretValue", "UpdateSecret", "UntagResource"):
        assert not environment.may("provision", f"secretsmanager:{action}", master, **own)


def test_services_read_only_secrets_of_their_environment(rendered: dict[str, Rendered]) -> None:
    production = rendered["production"]
    for role in ("service", "functions"):
        own = production.arn("secretsmanager", "secret:assistant-production/service-AbCdEf")
        assert production.may(role, "secretsmanager:GetSecretValue", own)
        for other in ("secret:assistant-staging/service-AbCdEf", "secret:rds!db-1-AbCdEf"):
            arn = production.arn("secretsmanager", other)
            assert not production.may(role, "secretsmanager:GetSecretValue", arn)
    master = production.arn("secretsmanager", "secret:rds!db-1-AbCdEf")
    database = {
        "aws:ResourceTag/aws:rds:primaryDBInstanceArn": production.arn("rds", "db:assistant-production")
    }
    read = "secretsmanager:GetSecretValue"
    assert production.may("database-user", read, master, **database)
    assert not production.may("database-user", read, master)
    foreign = {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": production.arn("rds", "db:assistant-staging")}
    assert not production.may("database-user", read, master, **foreign)


def test_simulator_knows_its_operators() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:a?c", "Condition": {}}]}
    assert decision([policy], "s3:GetObject", "arn:abc", {}) == "allow"
    assert decision([policy], "s3:PutObject", "arn:abc", {}) == "none"
    assert decision([policy], "s3:GetObject", "arn:abbc", {}) == "none"
    with pytest.raises(NotImplementedError):
        decision([{"Statement": [{"Effect": "Allow", "NotAction": "x", "Resource": "*"}]}], "a:b", "*", {})
