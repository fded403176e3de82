"""API Gateway v2: UpdateStage, DeleteAccessLogSettings and GetAuthorizers.

moto 5.2.5 lacks these calls (500). Without them, drift of an API could neither be found nor corrected.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.apigatewayv2.urls import url_paths


def _stage(response: ApiGatewayV2Response) -> Any:
    parts = response.path.split("/apis/")[1].split("/")
    return response.apigatewayv2_backend.get_api(parts[0]).get_stage(parts[2].replace("%24", "$"))


def update_stage(self: ApiGatewayV2Response) -> tuple[int, dict, str]:
    stage = _stage(self)
    wanted = json.loads(self.body)
    for key, attribute in (
        ("defaultRouteSettings", "default_route_settings"),
        ("accessLogSettings", "access_log_settings"),
        ("autoDeploy", "auto_deploy"),
        ("description", "description"),
    ):
        if key in wanted:
            setattr(stage, attribute, wanted[key])
    stage.updated = datetime.now()
    return 200, {}, json.dumps(stage.to_json())


def delete_access_log_settings(self: ApiGatewayV2Response) -> tuple[int, dict, str]:
    _stage(self).access_log_settings = None
    return 204, {}, ""


def get_authorizers(self: ApiGatewayV2Response) -> tuple[int, dict, str]:
    api = self.apigatewayv2_backend.get_api(self.path.split("/apis/")[1].split("/")[0])
    items = [authorizer.to_json() for authorizer in api.authorizers.values()]
    return 200, {}, json.dumps({"items": items})


def apply(config: dict[str, Any]) -> None:
    ApiGatewayV2Response.get_authorizers = get_authorizers
    ApiGatewayV2Response.update_stage = update_stage
    ApiGatewayV2Response.delete_access_log_settings = delete_access_log_settings
    url_paths.setdefault(
        "{0}/v2/apis/(?P<api_id>[^/]+)/stages/(?P<stage_name>[^/]+)/accesslogsettings$",
        ApiGatewayV2Response.dispatch,
    )
