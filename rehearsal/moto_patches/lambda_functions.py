"""Lambda: run functions without Docker, which moto needs. See `rehearsal.lambda_functions`."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

from rehearsal import lambda_functions


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    run = lambda_functions.Runner(config)

    def invoke_lambda(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        done = run(self, event if event not in (None, "{}") else {})
        return done.payload, done.failed, done.log

    LambdaFunction._invoke_lambda = invoke_lambda
