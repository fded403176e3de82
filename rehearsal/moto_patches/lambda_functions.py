"""Lambda: a function is run by Docker in moto, and not at all without it. Here it is run, see
`rehearsal.lambda_functions`."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

from rehearsal import lambda_functions


def apply(config: dict[str, Any]) -> None:
    """Run what is deployed."""
    run = lambda_functions.Runner(config)

    def invoke_lambda(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        done = run(self, event if event not in (None, "{}") else {})
        return done.payload, done.failed, done.log

    LambdaFunction._invoke_lambda = invoke_lambda
