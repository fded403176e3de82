# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The checks of a release before it has traffic and during its bake, and how the other slot is retired."""

from __future__ import annotations

TEXTS = {
    # Answers to checks
    "check.status": (
        "{path} returned {answer}, expected {status}",
        "{path}의 응답: {answer}. 기대한 상태 코드: {status}",
    ),
    "check.latency": (
        "{path} took {took} ms, and at most {limit} ms are allowed",
        "{path}의 응답에 {took}ms가 걸렸습니다. 최대 {limit}ms까지 허용합니다",
    ),
    "check.contains": (
        "{path} returned an answer without {text}: {answer}",
        "{path}의 응답에 {text}이(가) 없습니다: {answer}",
    ),
    "check.no_json": ("{path} did not return JSON: {answer}", "{path}의 응답이 JSON이 아닙니다: {answer}"),
    "check.value": (
        "{path} returned {key} = {found}, expected {wanted}",
        "{path}의 응답에서 {key} = {found}입니다. 기대한 값: {wanted}",
    ),
    "check.command": ("the check {command} failed:", "점검 {command}이(가) 실패했습니다:"),
    # The slot before it has traffic
    "verify.unhealthy": (
        "no target of slot {slot} became healthy within {span}: {health}",
        "{span} 안에 healthy 상태가 된 타깃이 {slot} 슬롯에 없습니다: {health}",
    ),
    "verify.preview_late": (
        "the preview rule was not in force within {span} at {addresses}",
        "{span} 안에 프리뷰 규칙이 적용되지 않은 주소가 있습니다: {addresses}",
    ),
    "verify.wrong_version": (
        "the new slot reports version {version} at {address}, expected {wanted}",
        "새 슬롯이 {address}에서 버전 {version}을(를) 응답했습니다. 기대한 버전: {wanted}",
    ),
    "verify.two_versions": (
        "the new slot reports version {version} at {address}, and {wanted} at other addresses",
        "새 슬롯이 {address}에서는 버전 {version}을(를), 다른 주소에서는 {wanted}을(를) 응답했습니다",
    ),
    "verify.no_version": (
        "the new slot does not report its version: {path} returned {answer} at {address}",
        "새 슬롯이 버전을 응답하지 않습니다: {address}에서 {path}의 응답은 {answer}입니다",
    ),
    # The bake
    "bake.seen": (
        "{requests} requests, {failures} failures in {span}",
        "{span} 동안 요청 {requests}건, 실패 {failures}건",
    ),
    "bake.state": ("the release is {state}", "릴리스의 상태: {state}"),
    "bake.blind_pods": (
        "the pods could not be read for {span}: {error}",
        "{span} 동안 파드의 상태를 읽지 못했습니다: {error}",
    ),
    "bake.blind_alarms": (
        "the alarms could not be read for {span}: {error}",
        "{span} 동안 알람의 상태를 읽지 못했습니다: {error}",
    ),
    "bake.errors": (
        "{failures} of {requests} requests failed after the switch: {last}",
        "전환 후 요청 {requests}건 중 {failures}건이 실패했습니다: {last}",
    ),
    "bake.alarms": ("CloudWatch raised {names}", "CloudWatch 알람이 발생했습니다: {names}"),
    "bake.unready": (
        "only {ready} of {wanted} replicas were ready for {span}: {notes}",
        "{span} 동안 레플리카 {wanted}개 중 {ready}개만 준비된 상태였습니다: {notes}",
    ),
    "bake.restarted": (
        "the release did not stay up in slot {slot}: {restarts} since it was ready",
        "{slot} 슬롯의 릴리스가 계속 실행되지 못했습니다: 준비된 뒤 {restarts}",
    ),
    "bake.one_restart": ("1 restart", "재시작 1회"),
    "bake.restarts": ("{number} restarts", "재시작 {number}회"),
    # Alarms
    "alarms.unknown": (
        "cloudwatch:DescribeAlarms failed: {error}",
        "cloudwatch:DescribeAlarms 호출이 실패했습니다: {error}",
    ),
    "alarms.needed": (
        "{error}. A deploy needs the state of release_alarms before its first change",
        "{error}. 배포하려면 아무것도 바꾸기 전에 release_alarms의 상태를 알아야 합니다",
    ),
    "alarms.missing": (
        "CloudWatch has no alarm {names}. Build the component alarms, or correct release_alarms",
        "CloudWatch에 없는 알람입니다: {names}. alarms 컴포넌트를 구축하거나 release_alarms를 고치십시오",
    ),
    "alarms.late": (
        "{name} goes to ALARM {needed} after the first bad minute begins, and a release bakes for {watched} "
        "(release_bake): it may be committed before the alarm",
        "{name}은(는) 문제가 시작되고 {needed} 뒤에 ALARM 상태가 되는데, 릴리스를 관찰하는 시간은 "
        "{watched}입니다(release_bake). 알람이 발생하기 전에 릴리스가 확정될 수 있습니다",
    ),
    "alarms.since_before": (
        "{name} is in ALARM since {since}: it is ignored until it has been OK",
        "{name}은(는) {since}부터 ALARM 상태입니다. OK 상태가 될 때까지 무시합니다",
    ),
    # The other slot
    "retire.nothing": ("no interrupted release was found", "중단된 릴리스가 없습니다"),
    "retire.split_traffic": (
        "traffic goes to both slots or to none, so no slot is idle",
        "트래픽이 두 슬롯 모두로 가거나 어느 슬롯으로도 가지 않으므로 유휴 슬롯이 없습니다",
    ),
    "retire.down_already": ("slot {slot} is already scaled down", "{slot} 슬롯은 이미 내려가 있습니다"),
    "retire.kept_warm": (
        "{name} on slot {slot} is kept warm until {until}",
        "{slot} 슬롯의 {name}은(는) {until}까지 warm 상태로 유지됩니다",
    ),
    "retire.not_compared": (
        "; its size could not be compared with the live slot: {error}",
        ". 서비스 중인 슬롯과 크기를 비교하지 못했습니다: {error}",
    ),
    "retire.grows": (
        "; it is scaled up to {replicas} replicas, like the live slot",
        ". 서비스 중인 슬롯과 같이 레플리카를 {replicas}개로 늘립니다",
    ),
    "retire.limits_unknown": (
        "; the limits of the live slot's autoscaler could not be read: {error}",
        ". 서비스 중인 슬롯의 오토스케일러 설정을 읽지 못했습니다: {error}",
    ),
    "retire.limits_restored": (
        "; the autoscaler of slot {slot} has its own limits again",
        ". {slot} 슬롯의 오토스케일러를 원래 설정으로 되돌렸습니다",
    ),
    "retire.done": (
        "slot {slot} was scaled down: {name} is no longer kept warm",
        "{slot} 슬롯을 내렸습니다. {name}은(는) 더 이상 warm 상태가 아닙니다",
    ),
    "retire.still_requests": (
        "slot {slot} has weight 0 and still received requests for {span}, so it was not scaled down. Check whether "
        "another rule of the load balancer forwards to it",
        "{slot} 슬롯의 가중치는 0이지만 {span} 동안 요청이 계속 들어와 슬롯을 내리지 않았습니다. 로드 밸런서의 다른 "
        "규칙이 이 슬롯으로 전달하는지 확인하십시오",
    ),
    "retire.traffic_again": (
        "slot {slot} received traffic again before it was scaled down, so it was not scaled down",
        "{slot} 슬롯을 내리기 전에 트래픽이 다시 들어와 내리지 않았습니다",
    ),
    "retire.metrics_failed": (
        "cloudwatch:GetMetricStatistics failed for {group}: {error}",
        "{group}에 대한 cloudwatch:GetMetricStatistics 호출이 실패했습니다: {error}",
    ),
    "retire.unchanged": ("nothing was changed: {reason}", "아무것도 바꾸지 않았습니다: {reason}"),
    "retire.would_recover": ("{name} would be recovered", "{name}을(를) 복구할 예정입니다"),
    "retire.would_scale_down": ("the idle slot would be scaled down", "유휴 슬롯을 내릴 예정입니다"),
    # The result of tests
    "tested.not_live": (
        "nothing is noted: {release} is not live",
        "기록하지 않았습니다: {release}은(는) 서비스 중이 아닙니다",
    ),
    "tested.no_release": ("no release", "릴리스"),
    "tested.passed": ("the tests of {name} passed", "{name}이(가) 테스트를 통과했습니다"),
    "tested.failed": ("the tests of {name} failed", "{name}이(가) 테스트를 통과하지 못했습니다"),
    "tested.known": ("{result}: that is on record already", "{result}. 이미 기록되어 있습니다"),
}
