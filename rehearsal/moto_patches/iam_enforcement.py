"""IAM while it is enforced (`POST /moto-api/reset-auth`): actions, signatures, resources, error formats."""

from __future__ import annotations

import json
from typing import Any

from botocore.awsrequest import AWSRequest
from moto.core.request import determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model
from moto.iam.access_control import IAMPolicyStatement, IAMRequest, PermissionResult
from moto.iam.models import iam_backends
from werkzeug.exceptions import HTTPException

from rehearsal.aws_calls import error

UNKNOWN = "*"
"""moto's name for a resource that it cannot determine; this patch uses the same."""

JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""The error codes of AWS's JSON services, by the codes of its query services."""

ARNS = {
    "dynamodb": {"TableName": "arn:aws:dynamodb:{region}:{account}:table/{value}"},
    "ecr": {"repositoryName": "arn:aws:ecr:{region}:{account}:repository/{value}"},
    "eks": {
        **dict.fromkeys(("nodegroupName", "addonName", "associationId", "principalArn"), ""),
        "name": "arn:aws:eks:{region}:{account}:cluster/{value}",
    },
    "iam": {
        "RoleName": "arn:aws:iam::{account}:role/{value}",
        "PolicyArn": "{value}",
        "OpenIDConnectProviderArn": "{value}",
    },
    "lambda": {"FunctionName": "arn:aws:lambda:{region}:{account}:function:{value}"},
    "rds": {"DBInstanceIdentifier": "arn:aws:rds:{region}:{account}:db:{value}"},
    "secretsmanager": {
        "SecretId": "arn:aws:secretsmanager:{region}:{account}:secret:{value}-000000",
        "Name": "arn:aws:secretsmanager:{region}:{account}:secret:{value}-000000",
    },
    "sns": {"TopicArn": "{value}", "Name": "arn:aws:sns:{region}:{account}:{value}"},
    "ssm": {"Name": "arn:aws:ssm:{region}:{account}:parameter{value}"},
    "sts": {"RoleArn": "{value}"},
    "elasticloadbalancing": {
        "RuleArn": "{value}",
        "ListenerArn": "{value}",
        "TargetGroupArn": "{value}",
        "LoadBalancerArn": "{value}",
    },
}
"""By service (as in a signature): the parameters that name a call's resource, and its ARN; "" if unknown."""

UNSCOPED = ("ec2", "autoscaling", "elasticloadbalancing")
"""Services whose Describe calls cannot be restricted to a resource on AWS."""

NO_RESOURCE = "none"
"""The resource of these calls, which only `*` matches."""


PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""The prefix of IAM's actions, where it differs from the service in the signature."""

TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""DynamoDB's actions, by the parts of a TransactWriteItems."""


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    actions()
    signatures()
    resources()
    refusals()


def actions() -> None:
    """Check IAM's names of actions.

    moto names an action by the signature's service and the operation. IAM's names differ for CloudWatch, API Gateway
    (HTTP methods) and DynamoDB's transactions.
    """
    check = IAMRequest.check_action_permitted

    def check_action_permitted(self: IAMRequest, resource: str) -> None:
        for action in names_of(self._action, self._method, self._body):
            self._action = action
            check(self, resource)

    IAMRequest.check_action_permitted = check_action_permitted


def names_of(action: str, method: str, body: bytes) -> list[str]:
    """Return IAM's names of the actions of a call."""
    service, _, operation = action.partition(":")
    if service == "apigateway":
        return [f"apigateway:{method}"]
    if operation == "TransactWriteItems":
        parts = {part for item in json.loads(body)["TransactItems"] for part in item}
        return sorted(f"dynamodb:{TRANSACTIONS[part]}" for part in parts)
    return [f"{PREFIXES.get(service, service)}:{operation}"]


def signatures() -> None:
    """Verify the signatures of REST calls without a body (eks, lambda, apigateway, route53, backup: every GET).

    moto takes the query string or the headers for the body, and answers SignatureDoesNotMatch.
    """
    build = IAMRequest._create_aws_request

    def create_aws_request(self: IAMRequest) -> AWSRequest:
        request = build(self)
        form = (self._headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")
        if not self._body and not form:
            request.data = b""
        return request

    IAMRequest._create_aws_request = create_aws_request


def resources() -> None:
    """Check the resources of all services.

    moto checks them for S3 only; for other services, a statement for an ARN never allows anything. The patch reads the
    resource from the parameters that `ARNS` names. For an unknown resource, an Allow applies to any resource, and a
    Deny for an ARN is ignored. Conditions are not evaluated: a conditional Allow applies (moto treats it as a Deny),
    and a conditional Deny is ignored.
    """
    authorize = BaseResponse._authenticate_and_authorize_normal_action
    permitted = IAMPolicyStatement.is_action_permitted

    def authenticate_and_authorize(self: BaseResponse, resource: str = UNKNOWN) -> None:
        authorize(self, resource_of(self) if resource == UNKNOWN else resource)

    def is_action_permitted(
        self: IAMPolicyStatement, action: str, resource: str = UNKNOWN, *rest: Any
    ) -> Any:
        if "Condition" in self._statement and not any(rest):
            if self._statement["Effect"] == "Deny":
                return PermissionResult.NEUTRAL
            self = IAMPolicyStatement({k: v for k, v in self._statement.items() if k != "Condition"})
        scoped = self._statement.get("Resource", UNKNOWN) not in (UNKNOWN, [UNKNOWN])
        if resource != UNKNOWN or not scoped:
            return permitted(self, action, resource, *rest)
        unscoped = IAMPolicyStatement({**self._statement, "Resource": UNKNOWN})
        answer = permitted(unscoped, action, resource, *rest)
        return PermissionResult.NEUTRAL if answer is PermissionResult.DENIED else answer

    BaseResponse._authenticate_and_authorize_normal_action = authenticate_and_authorize
    IAMPolicyStatement.is_action_permitted = is_action_permitted


def refusals() -> None:
    """Return access errors in the format of each service.

    moto always uses the format of the query services. boto3 cannot parse it for services with JSON or other XML, and
    reports only `403`.
    """
    authorize = BaseResponse._authenticate_and_authorize_normal_action

    def authenticate_and_authorize(self: BaseResponse, resource: str = UNKNOWN) -> None:
        try:
            authorize(self, resource)
        except HTTPException as e:
            model, kind = get_service_model(self.boto3_service_name), self.headers.get("Content-Type", "")
            protocol = determine_request_protocol(model, kind)
            if protocol not in ("query", "ec2"):
                code = JSON_CODES.get(e.error_type, e.error_type) if "json" in protocol else e.error_type
                _, body = error(self.boto3_service_name, self._get_action(), kind, code, e.message)
                e.description = body.decode()
            raise

    BaseResponse._authenticate_and_authorize_normal_action = authenticate_and_authorize


def role_arn(response: BaseResponse, name: str) -> str:
    """Return the ARN of a role with its path: of the existing role, else of the role in the request."""
    account = response.current_account
    for role in iam_backends[account][response.partition].roles.values():
        if role.name == name:
            return role.arn
    return f"arn:{response.partition}:iam::{account}:role{response._get_param('Path') or '/'}{name}"


def resource_of(response: BaseResponse) -> str:
    """Return the ARN of a call's resource by `ARNS`; UNKNOWN if it cannot be determined."""
    authorization = response.headers.get("Authorization", "")
    service = "".join(authorization.partition("Credential=")[2].partition(",")[0].split("/")[3:4])
    action = response._get_action()  # This parses the parameters in the path too.
    if service in UNSCOPED and action.startswith("Describe"):
        return NO_RESOURCE
    for name, template in ARNS.get(service, {}).items():
        value = response._get_param(name)
        if isinstance(value, str) and value:
            if not template:
                return UNKNOWN
            if value.startswith("arn:"):
                return value
            if name == "RoleName":
                return role_arn(response, value)
            # Public parameters of Systems Manager belong to no account.
            account = "" if value.startswith("/aws/service/") else response.current_account
            return template.format(value=value, region=response.region, account=account)
    return UNKNOWN
