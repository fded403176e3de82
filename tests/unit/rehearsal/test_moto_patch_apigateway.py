"""Fails when moto no longer needs the patch of API Gateway."""

from __future__ import annotations

from moto.apigatewayv2.responses import ApiGatewayV2Response

from rehearsal.moto_patches import apigateway


def test_moto_still_lacks_it() -> None:
    for name in ("update_stage", "delete_access_log_settings", "get_authorizers"):
        method = getattr(ApiGatewayV2Response, name, None)
        assert method is None or method.__module__ == apigateway.__name__, (
            f"moto has {name}: remove the patch"
        )
