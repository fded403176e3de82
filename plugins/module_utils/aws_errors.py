# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Messages for errors of access to AWS: what failed, why, and what to do."""

from __future__ import annotations

import os

try:
    from botocore.exceptions import ClientError, ConnectionError, NoCredentialsError, PartialCredentialsError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

NO_CREDENTIALS = (
    "There are no AWS credentials. Sign in (aws sso login, and AWS_PROFILE or platform_aws_profile), or, "
    'to work with the rehearsal cloud, run: eval "$(python -m rehearsal env)".'
)
REFUSED = {
    "ExpiredToken": "the credentials have expired; sign in again",
    "ExpiredTokenException": "the credentials have expired; sign in again",
    "RequestExpired": "the credentials have expired, or this machine's clock is wrong",
    "InvalidClientTokenId": "AWS does not know these credentials (in a region that is not enabled, neither)",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "AuthFailure": "AWS does not know these credentials, or the region is not enabled for the account",
    "Blocked": "AWS has blocked the account; contact AWS Support",
    "OptInRequired": "the account is not subscribed to the service; a new account takes up to 24 hours to be activated",
    "PendingVerification": "AWS is still verifying the account; try again later, or contact AWS Support",
    "UnrecognizedClientException": "AWS does not know these credentials",
}


def describe_aws_error(error: Exception, region: str) -> str:
    """Return a message for an error of boto3: what failed, why, and what to do."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        reason = REFUSED.get(code, message)
        return f"AWS refused {error.operation_name} in {region} ({code}): {reason}."
    if isinstance(error, ConnectionError):
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        where = f"AWS_ENDPOINT_URL={endpoint}" if endpoint else f"AWS in {region}"
        advice = (
            "Is the rehearsal cloud up (python -m rehearsal status)? For real AWS, unset AWS_ENDPOINT_URL."
            if endpoint
            else "Is there a way to the internet, and is the proxy right?"
        )
        return f"{where} does not answer. {advice}"
    return f"AWS could not be asked: {error}"


def is_access_error(error: BaseException | None) -> bool:
    """Return whether an error is about credentials or the connection, not about the request."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in REFUSED
    return isinstance(error, NoCredentialsError | PartialCredentialsError | ConnectionError)
