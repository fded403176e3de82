# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The verdict from users' requests: its reasons, and the numbers of both versions (release/analysis_messages.py)."""

from __future__ import annotations

TEXTS = {
    "analysis.summary": ("analysis {result}. Measured: {numbers}", "분석 {result}. 측정값: {numbers}"),
    "analysis.summary_with_reasons": (
        "analysis {result}: {reasons}. Measured: {numbers}",
        "분석 {result}: {reasons}. 측정값: {numbers}",
    ),
    "analysis.unread": (
        "{summary}. CloudWatch could not be read {failed} of {looks} times",
        "{summary}. CloudWatch를 {looks}번 중 {failed}번 읽지 못했습니다",
    ),
    "analysis.unread_at_last": (
        "{summary}. CloudWatch could not be read {failed} of {looks} times, at last: {error}",
        "{summary}. CloudWatch를 {looks}번 중 {failed}번 읽지 못했습니다. 마지막 오류: {error}",
    ),
    "analysis.fails_by_setting": ("{summary} ({setting} is fail)", "{summary}({setting} 설정이 fail)"),
    "analysis.share": ("with {percent} % of the traffic: {text}", "트래픽 {percent}%에서: {text}"),
    # Numbers
    "analysis.nothing": ("nothing measured", "측정된 값 없음"),
    "analysis.new": ("new version {total} in {span}", "새 버전 {span} 동안 {total}"),
    "analysis.old_in_same_minutes": (
        "old version {total} in the same minutes",
        "이전 버전 같은 시간 동안 {total}",
    ),
    "analysis.old_before": ("old version {total} before the switch", "이전 버전 전환 전 {total}"),
    "analysis.total": (
        "{requests} requests, {failed} failed ({rate} %)",
        "요청 {requests}건, 실패 {failed}건({rate}%)",
    ),
    "analysis.balancer": (
        "the load balancer itself answered {errors} requests with 502, 503 or 504",
        "로드 밸런서가 요청 {errors}건에 502, 503 또는 504로 직접 응답",
    ),
    # Reasons
    "finding.error_rate": (
        "{measured} % of the new version's requests failed ({failed} of {requests}), and at most {allowed} % are "
        "allowed (error_rate)",
        "새 버전 요청의 실패율 {measured}%({requests}건 중 {failed}건), 허용치 {allowed}%(error_rate)",
    ),
    "finding.error_increase": (
        "{rate} % of the new version's requests failed ({failed} of {requests}) and {baseline} % of the old one's: "
        "{measured} percentage points more, and at most {allowed} are allowed (error_increase)",
        "실패율이 새 버전 {rate}%({requests}건 중 {failed}건), 이전 버전 {baseline}%로 {measured}%p 높음, "
        "허용치 {allowed}%p(error_increase)",
    ),
    "finding.balancer_error_increase": (
        "the load balancer itself answered {errors} of {requests} requests with 502, 503 or 504, and usually {usual} %: "
        "that is {measured} % of the new version's requests, and at most {allowed} % are allowed "
        "(balancer_error_increase)",
        "로드 밸런서가 요청 {requests}건 중 {errors}건에 502, 503 또는 504로 직접 응답(평소 {usual}%), "
        "새 버전 요청의 {measured}%에 해당, 허용치 {allowed}%(balancer_error_increase)",
    ),
    "finding.latency_p90": (
        "the p90 latency of the new version is {measured} ms, and at most {allowed} ms are allowed (latency_p90)",
        "새 버전의 p90 지연 시간 {measured} ms, 허용치 {allowed} ms(latency_p90)",
    ),
    "finding.latency_p99": (
        "the p99 latency of the new version is {measured} ms, and at most {allowed} ms are allowed (latency_p99)",
        "새 버전의 p99 지연 시간 {measured} ms, 허용치 {allowed} ms(latency_p99)",
    ),
    "finding.latency_p90_ratio": (
        "the p90 latency of the new version is {value} ms, {measured} times the old version's {baseline} ms, and at "
        "most {allowed} times is allowed (latency_p90_ratio)",
        "새 버전의 p90 지연 시간 {value} ms, 이전 버전 {baseline} ms의 {measured}배, "
        "허용치 {allowed}배(latency_p90_ratio)",
    ),
    "finding.latency_p99_ratio": (
        "the p99 latency of the new version is {value} ms, {measured} times the old version's {baseline} ms, and at "
        "most {allowed} times is allowed (latency_p99_ratio)",
        "새 버전의 p99 지연 시간 {value} ms, 이전 버전 {baseline} ms의 {measured}배, "
        "허용치 {allowed}배(latency_p99_ratio)",
    ),
    "finding.query": (
        "{name} is {measured}, and must be {condition}",
        "{name}의 값 {measured}, 조건 {condition}",
    ),
    "finding.few_requests": (
        "the new version got {measured} requests of users, and {allowed} are needed (min_requests)",
        "새 버전에 온 사용자 요청 {measured}건, 필요한 요청 {allowed}건(min_requests)",
    ),
    "finding.few_minutes": (
        "{measured} of {allowed} minutes were measured (minutes)",
        "{allowed}분 중 {measured}분만 측정됨(minutes)",
    ),
    "finding.silent": (
        "CloudWatch published no request of the load balancer since the switch",
        "전환 뒤에 CloudWatch가 공개한 로드 밸런서 요청 지표가 없음",
    ),
    "finding.unreadable": ("CloudWatch could not be read: {error}", "CloudWatch를 읽지 못함: {error}"),
    "finding.query_unreadable": ("{name} could not be read: {error}", "{name}의 값을 읽지 못함: {error}"),
    "finding.no_baseline": (
        "the old version has fewer than {allowed} requests (min_requests), so nothing was compared with it",
        "이전 버전의 요청이 {allowed}건(min_requests)보다 적어 비교하지 않음",
    ),
    "finding.no_latency_p90": (
        "CloudWatch published no p90 latency of the new version",
        "CloudWatch가 공개한 새 버전의 p90 지연 시간이 없음",
    ),
    "finding.no_latency_p99": (
        "CloudWatch published no p99 latency of the new version",
        "CloudWatch가 공개한 새 버전의 p99 지연 시간이 없음",
    ),
    "finding.no_baseline_latency_p90": (
        "CloudWatch published no p90 latency of the old version",
        "CloudWatch가 공개한 이전 버전의 p90 지연 시간이 없음",
    ),
    "finding.no_baseline_latency_p99": (
        "CloudWatch published no p99 latency of the old version",
        "CloudWatch가 공개한 이전 버전의 p99 지연 시간이 없음",
    ),
    # Limits of a query
    "query.at_least": ("at least {limit}", "{limit} 이상"),
    "query.at_most": ("at most {limit}", "{limit} 이하"),
    "query.between": ("at least {least} and at most {most}", "{least} 이상 {most} 이하"),
}
