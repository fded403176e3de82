"""Reading the load balancer's metrics from CloudWatch: one call, AWS's names, and what is not published."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from ansible_collections.teal.platform.plugins.module_utils.release.analysis import Minute
from ansible_collections.teal.platform.plugins.module_utils.release.request_metrics import (
    MetricsUnknown,
    RequestMetrics,
)
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber

from .fake_environment import Time

ARN = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012"
BALANCER = f"{ARN}:loadbalancer/app/shop/1"
NEW, OLD = f"{ARN}:targetgroup/shop-green/2", f"{ARN}:targetgroup/shop-blue/3"


class CloudWatch:
    """Answers GetMetricData with the given values by query id, page by page, and records the requests."""

    def __init__(self, time: Time, *pages: Any, ahead: float = 0.0) -> None:
        self.time, self.pages, self.ahead = time, list(pages), ahead
        self.requests: list[dict[str, Any]] = []

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        more = len(self.pages) > 1
        page = self.pages.pop(0) if more else self.pages[0]
        if isinstance(page, Exception):
            raise page
        at = datetime.fromtimestamp(self.time.now + self.ahead, UTC)
        answer: dict[str, Any] = {
            "MetricDataResults": [
                one
                if isinstance(one, dict)
                else {
                    "Id": query,
                    "Timestamps": [datetime.fromtimestamp(second, UTC) for second in one[0]],
                    "Values": one[1],
                    "StatusCode": "Complete",
                }
                for query, one in page.items()
            ],
            "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(at, usegmt=True)}},
        }
        return answer | ({"NextToken": "more"} if more else {})


def metrics(client: Any, time: Time, **more: Any) -> RequestMetrics:
    return RequestMetrics(lambda: client, BALANCER, NEW, OLD, time.clock(), **more)


def test_one_call_reads_all_metrics_of_both_groups(aws: None, time: Time) -> None:
    """By botocore's own model, so that names and types are AWS's."""
    client = boto3.client("cloudwatch")
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", {"MetricDataResults": []})
        reading = metrics(client, time).read(time.now - 900)
        stub.assert_no_pending_responses()
    assert (reading.new, reading.old, reading.balancer) == ([], [], [])


def test_dimensions_and_statistics(time: Time) -> None:
    cloudwatch = CloudWatch(time, {})
    metrics(cloudwatch, time).read(time.now)
    asked = {
        query["Id"]: (
            query["MetricStat"]["Metric"]["MetricName"],
            query["MetricStat"]["Stat"],
            {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]},
            query["MetricStat"]["Period"],
        )
        for query in cloudwatch.requests[0]["MetricDataQueries"]
    }
    whole = {"LoadBalancer": "app/shop/1"}
    green = {"TargetGroup": "targetgroup/shop-green/2", **whole}
    assert asked["new_errors"] == ("HTTPCode_Target_5XX_Count", "Sum", green, 60)
    assert asked["new_p99"] == ("TargetResponseTime", "p99", green, 60)
    assert asked["old_requests"][2] == {"TargetGroup": "targetgroup/shop-blue/3", **whole}
    assert asked["balancer_errors_504"] == ("HTTPCode_ELB_504_Count", "Sum", whole, 60)
    assert len(asked) == 14
    assert cloudwatch.requests[0]["StartTime"].second == 0


def test_minute_counts_by_its_requests_and_other_metrics_may_be_missing(time: Time) -> None:
    page = {
        "new_requests": ([60, 120], [10, 20]),
        "new_errors": ([120], [3]),
        "new_p90": ([60, 120], [0.05, 0.06]),
        # A minute whose request count is not published yet.
        "new_refused": ([120, 180], [1, 1]),
        "balancer_requests": ([60], [30]),
        "balancer_errors_502": ([60], [2]),
        "balancer_errors_504": ([60], [1]),
    }
    reading = metrics(CloudWatch(time, page), time).read(0)
    assert reading.new == [Minute(60, 10, p90=50), Minute(120, 20, errors=3, refused=1, p90=60)]
    assert (reading.old, reading.balancer) == ([], [Minute(60, 30, errors=3)])


def test_pages_are_joined(time: Time) -> None:
    pages = [{"new_requests": ([60], [1])}, {"new_requests": ([120], [2])}]
    cloudwatch = CloudWatch(time, *pages)
    assert [each.requests for each in metrics(cloudwatch, time).read(0).new] == [1, 2]
    assert cloudwatch.requests[-1]["NextToken"] == "more"


@pytest.mark.parametrize("ahead", [-300, 0, 300])
def test_clock_of_aws_counts(time: Time, ahead: float) -> None:
    assert metrics(CloudWatch(time, {}, ahead=ahead), time).read(0).ahead == pytest.approx(ahead, abs=1)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (
            ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "GetMetricData"),
            "cloudwatch:GetMetricData failed: .*Throttling.*Rate exceeded",
        ),
        (ReadTimeoutError(endpoint_url="https://monitoring"), "GetMetricData failed: Read timeout"),
        (
            {
                "new_requests": {
                    "Id": "new_requests",
                    "StatusCode": "InternalError",
                    "Messages": [{"Code": "x", "Value": "try again"}],
                    "Timestamps": [],
                    "Values": [],
                }
            },
            "returned InternalError for new_requests: try again",
        ),
    ],
)
def test_unreadable_metrics(time: Time, page: Any, text: str) -> None:
    with pytest.raises(MetricsUnknown, match=text):
        metrics(CloudWatch(time, page), time).read(0)
