#!/usr/bin/python
# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Manages an HTTP API of API Gateway for Lambda functions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: http_api
short_description: Manage an HTTP API (API Gateway v2) for Lambda functions
version_added: 0.1.0
author: Teal maintainers (@teal-platform)
description:
  - Manages an HTTP API with its routes, integrations, authorizer and stage C($default), and the permissions of the API to
    invoke its functions. Removes routes, integrations and authorizers that are not described.
  - Finds the API by its name and its tags C(Application) and C(Environment), since AWS assigns its ID.
options:
  name:
    description: Name of the API.
    type: str
    required: true
  description:
    description: Description of the API.
    type: str
    default: ""
  routes:
    description: Routes of the API.
    type: list
    elements: dict
    default: []
    suboptions:
      route:
        description: Key of the route, such as C(GET /hello), C(ANY /v1/{proxy+}) or C($default).
        type: str
        required: true
      function:
        description: Name of the function in O(functions).
        type: str
        required: true
      authorization:
        description: Authorization of the route. V(AWS_IAM) requires a signature, V(JWT) a token according to O(jwt).
        type: str
        choices: [NONE, AWS_IAM, JWT]
        default: AWS_IAM
  functions:
    description: ARNs of the functions or of their aliases, by name.
    type: dict
    default: {}
  jwt:
    description: Tokens that routes with V(JWT) accept.
    type: dict
    suboptions:
      issuer:
        description: The issuer, an https URL.
        type: str
        required: true
      audience:
        description: Accepted audiences. A token must have one of them.
        type: list
        elements: str
        required: true
  throttling_burst_limit:
    description: Burst limit of requests.
    type: int
    default: 100
  throttling_rate_limit:
    description: Rate limit in requests per second.
    type: float
    default: 50
  access_log_group_arn:
    description: ARN of the log group for the access log.
    type: str
  access_log_format:
    description: Format of a line of the access log.
    type: str
    default: "{\"requestId\":\"$context.requestId\",\"time\":\"$context.requestTime\",\
      \"ip\":\"$context.identity.sourceIp\",\"route\":\"$context.routeKey\",\"status\":\"$context.status\",\
      \"latency\":\"$context.responseLatency\",\"error\":\"$context.integrationErrorMessage\"}"
  state:
    description: Whether the API should exist.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: Tags of the API and its stage.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed.
    type: bool
    default: true
  wait:
    description: Not used. Changes take effect immediately.
    type: bool
    default: true
  wait_timeout:
    description: Not used.
    type: int
    default: 1800
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - teal.platform.tags
"""

EXAMPLES = r"""
- name: Create an API with the route /hello
  teal.platform.http_api:
    name: shop-staging
    routes:
      - route: GET /hello
        function: hello
    functions:
      hello: arn:aws:lambda:ap-northeast-2:123456789012:function:shop-staging-hello:live
    access_log_group_arn: arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/apigateway/shop-staging
    tags:
      Environment: staging
"""

RETURN = r"""
api_id:
  description: ID of the API.
  type: str
  returned: when it exists
  sample: a1b2c3d4e5
url:
  description: URL of the API.
  type: str
  returned: when it exists
  sample: https://a1b2c3d4e5.execute-api.ap-northeast-2.amazonaws.com
"""

import json
from typing import Any

from ansible_collections.teal.platform.plugins.module_utils.resource import (
    COMMON_ARGUMENTS,
    AnsibleAWSModule,
    Resource,
)

#: format of the requests that functions receive
PAYLOAD = "2.0"
#: location of the token in a request
TOKEN = ["$request.header.Authorization"]
STAGE = "$default"
LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "route": "$context.routeKey",
        "status": "$context.status",
        "latency": "$context.responseLatency",
        "error": "$context.integrationErrorMessage",
    },
    separators=(",", ":"),
)


class HttpApi(Resource):
    service = "apigatewayv2"
    kind = "api"

    def __init__(self, module: AnsibleAWSModule) -> None:
        super().__init__(module)
        self.lambdas = module.client("lambda")

    # -- current state ---------------------------------------------------------------------------

    def find(self) -> dict | None:
        own = self.params["tags"] or {}
        for api in self.pages("get_apis", "Items"):
            tags = api.get("Tags", {})
            same = all(tags.get(key) == own[key] for key in ("Application", "Environment") if key in own)
            if api["Name"] == self.params["name"] and same:
                return self._read(api)
        return None

    def _read(self, api: dict) -> dict:
        which = {"ApiId": api["ApiId"]}
        stage = self.call("get_stage", StageName=STAGE, missing=["NotFoundException"], **which)
        authorizers = self.pages("get_authorizers", "Items", **which)
        integrations = self.pages("get_integrations", "Items", **which)
        functions = {entry["IntegrationId"]: self._called(entry) for entry in integrations}
        addresses = {entry.get("IntegrationUri", "") for entry in integrations}
        return {
            **api,
            "Stage": stage or {},
            "Authorizers": authorizers,
            "Functions": functions,
            "Routes": self.pages("get_routes", "Items", **which),
            "Allowed": sorted(arn for arn in addresses if self._may_invoke(arn, api["ApiId"])),
        }

    @staticmethod
    def _called(integration: dict[str, Any]) -> str:
        """Return the function that an integration calls, with the payload format if it differs from ours."""
        address, form = integration.get("IntegrationUri", ""), integration.get("PayloadFormatVersion")
        return address if form == PAYLOAD else f"{address} (payload {form})"

    def _may_invoke(self, function: str, api_id: str) -> bool:
        """Return whether the policy of the function allows the API to invoke it."""
        if ":function:" not in function:  # an integration of another kind, which is removed
            return False
        name, qualifier = self._split(function)
        answer = self.call(
            "get_policy",
            client=self.lambdas,
            missing=["ResourceNotFoundException"],
            FunctionName=name,
            **qualifier,
        )
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        return any(
            entry["Sid"] == self._sid(api_id)
            and entry["Action"] == "lambda:InvokeFunction"
            and entry["Principal"] == {"Service": "apigateway.amazonaws.com"}
            and self._source(function, api_id) in entry.get("Condition", {}).get("ArnLike", {}).values()
            for entry in statements
        )

    @staticmethod
    def _source(function: str, api_id: str) -> str:
        """Return the source ARN of the API for the policy of a function."""
        partition, _service, region, account = function.split(":")[1:5]
        return f"arn:{partition}:execute-api:{region}:{account}:{api_id}/*/*"

    @staticmethod
    def _sid(api_id: str) -> str:
        return f"http-api-{api_id}"

    @staticmethod
    def _split(function: str) -> tuple[str, dict[str, str]]:
        """Return the ARN of a function without its alias, and the alias as an argument."""
        parts = function.split(":")
        return ":".join(parts[:7]), {"Qualifier": parts[7]} if len(parts) > 7 else {}

    def _function(self, route: dict) -> str:
        """Return the ARN of a route's function."""
        return self.params["functions"].get(route["function"], f"planned: {route['function']}")

    # -- wanted and current settings ---------------------------------------------------------------

    def desired(self) -> dict[str, Any]:
        log = self.params["access_log_group_arn"]
        routes = {
            entry["route"]: {"function": self._function(entry), "authorization": entry["authorization"]}
            for entry in self.params["routes"]
        }
        functions = sorted({route["function"] for route in routes.values()})
        return {
            "description": self.params["description"],
            "jwt": {**self.params["jwt"], "token": TOKEN} if self.params["jwt"] else {},
            "routes": routes,
            "integrations": functions,
            "allowed": functions,
            "stage": {
                "throttling_burst_limit": self.params["throttling_burst_limit"],
                "throttling_rate_limit": self.params["throttling_rate_limit"],
                "access_log": log or "",
                "access_log_format": self.params["access_log_format"] if log else "",
                "auto_deploy": True,
            },
            "tags": self.wanted_tags({}) if self.params["purge_tags"] else None,
        }

    @staticmethod
    def _authorization(route: dict[str, Any], jwt: dict[str, Any]) -> str:
        kind = route.get("AuthorizationType", "NONE")
        other = kind == "JWT" and route.get("AuthorizerId") != jwt.get("AuthorizerId")
        return "JWT of another authorizer" if other else kind

    def current(self, found: dict) -> dict[str, Any]:
        jwt = next((entry for entry in found["Authorizers"] if entry["AuthorizerType"] == "JWT"), {})
        limits = found["Stage"].get("DefaultRouteSettings", {})
        log = found["Stage"].get("AccessLogSettings", {})
        settings = jwt.get("JwtConfiguration", {})
        return {
            "description": found.get("Description", ""),
            "jwt": {
                "issuer": settings.get("Issuer"),
                "audience": settings.get("Audience"),
                "token": jwt.get("IdentitySource"),
            }
            if jwt
            else {},
            "routes": {
                route["RouteKey"]: {
                    "function": found["Functions"].get(route.get("Target", "").rpartition("/")[2]),
                    "authorization": self._authorization(route, jwt),
                }
                for route in found["Routes"]
            },
            "integrations": sorted(found["Functions"].values()),
            "allowed": found["Allowed"],
            "stage": {
                "throttling_burst_limit": limits.get("ThrottlingBurstLimit"),
                "throttling_rate_limit": limits.get("ThrottlingRateLimit"),
                "access_log": log.get("DestinationArn", "").removesuffix(":*"),
                "access_log_format": log.get("Format", ""),
                "auto_deploy": found["Stage"].get("AutoDeploy"),
            },
            "tags": found.get("Tags", {}),
        }

    # -- changes -----------------------------------------------------------------------------------

    def create(self) -> dict:
        api = self.call(
            "create_api",
            Name=self.params["name"],
            ProtocolType="HTTP",
            Description=self.params["description"],
            Tags=self.params["tags"] or {},
        )
        found = self._read(api)
        current, desired = self.current(found), self.desired()
        return self.update(found, {key: value for key, value in desired.items() if current[key] != value})

    def update(self, found: dict, changes: dict[str, Any]) -> dict:
        which = {"ApiId": found["ApiId"]}
        if "description" in changes:
            self.call("update_api", Description=changes["description"], **which)
        if changes.get("tags"):
            self._tag(found, changes["tags"])
        authorizer = self._ensure_authorizer(found, which)
        if changes.keys() & {"jwt", "routes", "integrations"}:
            self._ensure_routes(found, which, authorizer)
        if "jwt" in changes and not changes["jwt"]:
            for entry in found["Authorizers"]:
                self.call("delete_authorizer", AuthorizerId=entry["AuthorizerId"], **which)
        if "allowed" in changes:
            self._allow(found, changes["allowed"])
        if "stage" in changes:
            self._ensure_stage(found, which, changes["stage"])
        return self.wait_listed()

    def _tag(self, found: dict, tags: dict[str, str]) -> None:
        region = self.client.meta.region_name
        arn = f"arn:{self.client.meta.partition}:apigateway:{region}::/apis/{found['ApiId']}"
        gone = sorted(found.get("Tags", {}).keys() - tags.keys())
        if gone:
            self.call("untag_resource", ResourceArn=arn, TagKeys=gone)
        self.call("tag_resource", ResourceArn=arn, Tags=tags)

    def _ensure_authorizer(self, found: dict, which: dict) -> str | None:
        """Create or update the authorizer, and return its ID; None without `jwt`."""
        wanted = self.params["jwt"]
        if not wanted:
            return None
        settings = {
            "Name": "jwt",
            "AuthorizerType": "JWT",
            "IdentitySource": TOKEN,
            "JwtConfiguration": {"Issuer": wanted["issuer"], "Audience": wanted["audience"]},
        }
        for entry in found["Authorizers"]:
            if entry["AuthorizerType"] == "JWT":
                if any(entry.get(key) != value for key, value in settings.items()):
                    self.call("update_authorizer", AuthorizerId=entry["AuthorizerId"], **settings, **which)
                return entry["AuthorizerId"]
        return self.call("create_authorizer", **settings, **which)["AuthorizerId"]

    def _ensure_routes(self, found: dict, which: dict, authorizer: str | None) -> None:
        targets: dict[str, str] = {}
        surplus = []
        for integration, function in found["Functions"].items():
            if function in self.desired()["integrations"] and function not in targets:
                targets[function] = integration
            else:
                surplus.append(integration)
        for function in self.desired()["integrations"]:
            if function not in targets:
                targets[function] = self.call(
                    "create_integration",
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=function,
                    PayloadFormatVersion=PAYLOAD,
                    **which,
                )["IntegrationId"]
        routes = {route["RouteKey"]: route for route in found["Routes"]}
        for wanted in self.params["routes"]:
            settings = {
                "RouteKey": wanted["route"],
                "Target": f"integrations/{targets[self._function(wanted)]}",
                "AuthorizationType": wanted["authorization"],
            }
            if wanted["authorization"] == "JWT":
                settings["AuthorizerId"] = authorizer
            old = routes.pop(wanted["route"], None)
            if old is None:
                self.call("create_route", **settings, **which)
            elif any(old.get(key) != value for key, value in settings.items()):
                self.call("update_route", RouteId=old["RouteId"], **settings, **which)
        for route in routes.values():
            self.call("delete_route", RouteId=route["RouteId"], **which)
        for integration in surplus:
            self.call("delete_integration", IntegrationId=integration, **which)

    def _allow(self, found: dict, functions: list[str]) -> None:
        """Allow the API to invoke these functions, and remove its permissions for others."""
        client = self.lambdas
        for function in functions:
            if function in found["Allowed"]:
                continue
            name, qualifier = self._split(function)
            # A permission with the same ID may allow another caller.
            self._forbid(function, found["ApiId"])
            self.call(
                "add_permission",
                client=client,
                FunctionName=name,
                StatementId=self._sid(found["ApiId"]),
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=self._source(name, found["ApiId"]),
                **qualifier,
            )
        for function in set(found["Allowed"]) - set(functions):
            self._forbid(function, found["ApiId"])

    def _forbid(self, function: str, api_id: str) -> None:
        name, qualifier = self._split(function)
        self.call(
            "remove_permission",
            client=self.lambdas,
            missing=["ResourceNotFoundException"],
            FunctionName=name,
            StatementId=self._sid(api_id),
            **qualifier,
        )

    def _ensure_stage(self, found: dict, which: dict, wanted: dict[str, Any]) -> None:
        settings: dict[str, Any] = {
            "StageName": STAGE,
            "AutoDeploy": True,
            "DefaultRouteSettings": {
                "ThrottlingBurstLimit": wanted["throttling_burst_limit"],
                "ThrottlingRateLimit": wanted["throttling_rate_limit"],
            },
        }
        if wanted["access_log"]:
            settings["AccessLogSettings"] = {
                "DestinationArn": wanted["access_log"],
                "Format": wanted["access_log_format"],
            }
        if not found["Stage"]:
            self.call("create_stage", Tags=self.params["tags"] or {}, **settings, **which)
            return
        self.call("update_stage", **settings, **which)
        if found["Stage"].get("AccessLogSettings") and not wanted["access_log"]:
            self.call("delete_access_log_settings", StageName=STAGE, **which)

    def delete(self, found: dict) -> None:
        for function in found["Allowed"]:
            self._forbid(function, found["ApiId"])
        self.call("delete_api", ApiId=found["ApiId"], missing=["NotFoundException"])

    def describe(self, found: dict) -> dict[str, Any]:
        return {"api_id": found["ApiId"], "url": found["ApiEndpoint"]}


def check(module: AnsibleAWSModule) -> None:
    """Fail the module if a route refers to an undefined function or to missing `jwt` settings."""
    functions = module.params["functions"]
    for entry in module.params["routes"]:
        if entry["authorization"] == "JWT" and not module.params["jwt"]:
            module.fail_json(msg=f"jwt is missing, but route '{entry['route']}' requires a token")
        # In check mode, the function may not exist yet.
        if entry["function"] not in functions and not module.check_mode:
            known = ", ".join(sorted(functions)) or "none"
            module.fail_json(
                msg=f"routes: function '{entry['function']}' of route '{entry['route']}' is not in functions ({known})"
            )


def main() -> None:
    route = {
        "route": {"type": "str", "required": True},
        "function": {"type": "str", "required": True},
        "authorization": {"type": "str", "choices": ["NONE", "AWS_IAM", "JWT"], "default": "AWS_IAM"},
    }
    jwt = {
        "issuer": {"type": "str", "required": True},
        "audience": {"type": "list", "elements": "str", "required": True},
    }
    module = AnsibleAWSModule(
        argument_spec={
            **COMMON_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "default": ""},
            "routes": {"type": "list", "elements": "dict", "default": [], "options": route},
            "functions": {"type": "dict", "default": {}},
            "jwt": {"type": "dict", "options": jwt},
            "throttling_burst_limit": {"type": "int", "default": 100},
            "throttling_rate_limit": {"type": "float", "default": 50},
            "access_log_group_arn": {"type": "str"},
            "access_log_format": {"type": "str", "default": LOG_FORMAT},
        },
        supports_check_mode=True,
    )
    check(module)
    HttpApi(module).run()


if __name__ == "__main__":
    main()
