# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The load balancer: its slot rule, other rules, the health of targets, and the versions that it serves."""

from __future__ import annotations

TEXTS = {
    "traffic.no_balancer": (
        "Load balancer '{name}' does not exist. Provision the component load_balancer, or correct the region and the "
        "account.",
        "로드 밸런서 '{name}'이(가) 없습니다. load_balancer 컴포넌트를 구축하거나 리전과 계정을 확인하십시오.",
    ),
    "traffic.no_rule": (
        "The HTTPS listener of load balancer '{name}' has no rule that forwards to both slots ({name}-blue and "
        "{name}-green). Provision the component load_balancer again.",
        "로드 밸런서 '{name}'의 HTTPS 리스너에 두 슬롯({name}-blue, {name}-green)으로 전달하는 규칙이 없습니다. "
        "load_balancer 컴포넌트를 다시 구축하십시오.",
    ),
    "traffic.not_kept": (
        "AWS accepted the weights of '{name}' {attempts} times and still reports others. Check whether another program "
        "changes the rule. Current weights: playbooks/status.yml",
        "AWS가 '{name}'의 가중치 변경을 {attempts}번 받아들였지만 여전히 다른 값을 보고합니다. 다른 프로그램이 규칙을 "
        "바꾸는지 확인하십시오. 현재 가중치: playbooks/status.yml",
    ),
    "traffic.call_failed": (
        "elasticloadbalancing:{action} failed for load balancer '{name}': {error}",
        "로드 밸런서 '{name}'에 대한 elasticloadbalancing:{action} 호출이 실패했습니다: {error}",
    ),
    "traffic.interfaces_failed": (
        "ec2:DescribeNetworkInterfaces failed for '{name}': {error}",
        "'{name}'에 대한 ec2:DescribeNetworkInterfaces 호출이 실패했습니다: {error}",
    ),
    "traffic.no_address": (
        "Load balancer '{name}' has no network interface with an address yet, so its answers cannot be observed. Wait "
        "until it is active, and run the same command again",
        "로드 밸런서 '{name}'에 아직 주소가 있는 네트워크 인터페이스가 없어 응답을 확인할 수 없습니다. 로드 밸런서가 "
        "active 상태가 될 때까지 기다린 뒤 같은 명령을 다시 실행하십시오",
    ),
    # Other rules of the listener
    "rules.two_forks": (
        "{rule} forwards to both slots with its own weights, which a release does not change. {advice}",
        "{rule}은(는) 자체 가중치로 두 슬롯에 전달합니다. 릴리스는 이 가중치를 바꾸지 않습니다. {advice}",
    ),
    "rules.before_slot_rule": (
        "{rule} has a higher priority than the slot rule of '{name}' and matches requests for {path}, so the release "
        "could not be observed there. {advice}",
        "{rule}이(가) '{name}'의 슬롯 규칙보다 우선순위가 높고 {path} 요청과 일치하므로 그 경로에서는 릴리스를 확인할 "
        "수 없습니다. {advice}",
    ),
    "rules.before_preview": (
        "{rule} has a higher priority than the preview rule ({priority}) and matches requests for {path}, which "
        "release_checks sends. {advice}",
        "{rule}이(가) 프리뷰 규칙({priority})보다 우선순위가 높고, release_checks가 보내는 {path} 요청과 일치합니다. "
        "{advice}",
    ),
    "rules.no_priority": (
        "The slot rule of '{name}' has priority {priority}, and no lower number is free: the preview rule of a release "
        "needs one. Give the slot rule priority 50000 (as the component load_balancer does), or delete a rule before "
        "it, and run the same command again",
        "'{name}'의 슬롯 규칙의 우선순위는 {priority}이며, 그보다 작은 번호가 남아 있지 않습니다. 릴리스의 프리뷰 "
        "규칙에는 그런 번호가 필요합니다. load_balancer 컴포넌트처럼 슬롯 규칙의 우선순위를 50000으로 바꾸거나 앞의 "
        "규칙을 삭제한 뒤 같은 명령을 다시 실행하십시오",
    ),
    "rules.how_to_clear": (
        "Narrow its conditions or delete it (aws elbv2 delete-rule --rule-arn {arn}), and run the same command again",
        "규칙의 조건을 좁히거나 규칙을 삭제한 뒤(aws elbv2 delete-rule --rule-arn {arn}) 같은 명령을 다시 실행하십시오",
    ),
    "rules.described": ("Rule {priority} ({arn}), which {does},", "규칙 {priority}({arn}, {does})"),
    "rules.fixed": ("answers with a fixed {status}", "고정 응답 {status}"),
    "rules.redirects": ("redirects with {status}", "리디렉션 {status}"),
    "rules.forwards": ("forwards to {groups}", "{groups}(으)로 전달"),
    "rules.begins": ("begins with {action}", "{action}(으)로 시작"),
    "rules.unsupported": (
        "The slot rule of '{name}' ({arn}) does more than forward: {actions}. A change of the weights would remove "
        "them, and with them the new version could not be observed. Remove them from the rule (authenticate in the "
        "service, or in front of the load balancer), and run the same command again",
        "'{name}'의 슬롯 규칙({arn})에 전달 이외의 작업이 있습니다: {actions}. 가중치를 바꾸면 이 작업이 사라지며, 이 "
        "작업이 있으면 새 버전을 확인할 수 없습니다. 규칙에서 이 작업을 제거하고(인증은 서비스나 로드 밸런서 앞에서 "
        "처리) 같은 명령을 다시 실행하십시오",
    ),
    # Health of targets
    "health.none": ("no targets", "타깃 없음"),
    "health.count": ("{count} {state}", "{count}개 {state}"),
    # The versions that addresses serve
    "version.not_observed": (
        "version {version} was not observed at every address of {domain} in {span}: {reason}",
        "{span} 동안 {domain}의 모든 주소에서 버전 {version}을(를) 확인하지는 못했습니다: {reason}",
    ),
    "version.any": ("any", "(모든 버전)"),
    "version.returned": ("{address} returned {answer}", "{address}의 응답: {answer}"),
    "share.not_observed": (
        "{percent} % of the requests for version {version} were not observed at every address of {domain} in {span}: "
        "{reason}",
        "{span} 동안 {domain}의 모든 주소에서 버전 {version}의 비율 {percent}%를 확인하지는 못했습니다: {reason}",
    ),
    "share.alone": (
        "returned it {times} times in a row and no other version",
        "이 버전만 연속으로 {times}번 응답",
    ),
    "share.rare": (
        "returned it {new} times in {answers} answers; another one was {other}",
        "응답 {answers}건 중 {new}건만 이 버전, 다른 응답: {other}",
    ),
    "share.rare_and_failed": (
        "returned it {new} times in {answers} answers, {failed} of them failed; another one was {other}",
        "응답 {answers}건 중 {new}건만 이 버전, 실패 {failed}건, 다른 응답: {other}",
    ),
    "answer.none": ("no answer ({error})", "응답 없음({error})"),
    "answer.timed_out": ("timed out", "시간 초과"),
}
