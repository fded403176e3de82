# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The plan of a deploy or rollback, and why one is refused or fails."""

from __future__ import annotations

TEXTS = {
    # Plans
    "plan.split_traffic": (
        "traffic goes to both slots or to none ({weights}), which no release does. Send all traffic to one slot first: "
        "playbooks/rollback.yml -e to={target}",
        "트래픽이 두 슬롯 모두로 가거나 어느 슬롯으로도 가지 않습니다({weights}). 릴리스는 이런 상태를 만들지 "
        "않습니다. 먼저 모든 트래픽을 한 슬롯으로 보내십시오: playbooks/rollback.yml -e to={target}",
    ),
    "plan.was_rolled_back": (
        "{name} was rolled back on {at} by {who}{reason}. To deploy it anyway, add -e force={word}",
        "{who}이(가) {at}에 {name}을(를) 롤백했습니다{reason}. 그래도 배포하려면 -e force={word}을(를) 추가하십시오",
    ),
    "plan.target_was_rolled_back": (
        "{name} was itself rolled back on {at} by {who}{reason}. To roll back to it anyway, add -e force={word}",
        "롤백 대상 {name}도 {who}이(가) {at}에 롤백한 릴리스입니다{reason}. 그래도 이 릴리스로 롤백하려면 -e "
        "force={word}을(를) 추가하십시오",
    ),
    "plan.with_reason": (": {reason}", "(사유: {reason})"),
    "plan.interrupted": (
        "{name} was interrupted. Name the release to roll back to: -e to=<release>",
        "{name}이(가) 중단되었습니다. 롤백할 릴리스를 지정하십시오: -e to=<release>",
    ),
    "plan.stop": (
        "the deploy of {name} has no traffic yet: it is stopped, and {live} stays live",
        "{name} 배포에는 아직 트래픽이 없습니다. 이 배포를 멈추고 {live}이(가) 계속 서비스합니다",
    ),
    "plan.holds_other": (
        "slot {slot} holds {name}, so the release has to be started",
        "{slot} 슬롯에는 {name}이(가) 있으므로 롤백할 릴리스를 다시 기동해야 합니다",
    ),
    "plan.slot_state": (
        "slot {slot} is {state}, so the release has to be started",
        "{slot} 슬롯이 다음 상태이므로 릴리스를 다시 기동해야 합니다: {state}",
    ),
    "plan.no_healthy_target": (
        "slot {slot} has no healthy target, so the release has to be started",
        "{slot} 슬롯에 healthy 상태인 타깃이 없으므로 릴리스를 다시 기동해야 합니다",
    ),
    "plan.warm": (
        "{name} still runs in slot {slot}: only the weights change",
        "{name}이(가) 아직 {slot} 슬롯에서 실행 중이므로 가중치만 바꿉니다",
    ),
    "plan.no_release": ("no release is recorded yet", "아직 기록된 릴리스가 없습니다"),
    "plan.live_since_rollback": (
        "{name} is live since the rollback {label} by {who} on {at}. To go further back, name the release: -e "
        "to=<release>",
        "{name}은(는) {who}이(가) {at}에 실행한 롤백 {label} 이후로 서비스 중입니다. 더 이전으로 롤백하려면 릴리스를 "
        "지정하십시오: -e to=<release>",
    ),
    "plan.already_rolled_back": (
        "the {kind} {label} was already rolled back: {name} is live. To go further back, name the release: -e "
        "to=<release>",
        "{kind} {label}은(는) 이미 롤백되었고 {name}이(가) 서비스 중입니다. 더 이전으로 롤백하려면 릴리스를 "
        "지정하십시오: -e to=<release>",
    ),
    "plan.first_release": (
        "{name} is the first release: there is no release before it",
        "{name}은(는) 첫 릴리스이므로 이전 릴리스가 없습니다",
    ),
    "plan.previous_unknown": (
        "the previous release {label} is not among the latest. Name it: -e to=<release>",
        "이전 릴리스 {label}이(가) 최근 기록에 없습니다. 릴리스를 지정하십시오: -e to=<release>",
    ),
    "plan.never_live": (
        "{name} is {state}: it did not pass its verification and bake. Choose a release that was live: "
        "playbooks/status.yml lists them",
        "{name}의 상태는 '{state}'입니다. 검증과 관찰을 통과하지 못했습니다. 서비스된 적이 있는 릴리스를 고르십시오. "
        "playbooks/status.yml이 목록을 보여 줍니다",
    ),
    "plan.unknown_release": (
        "No recorded release is named '{name}'. The latest releases that were live: {known}",
        "'{name}'(이)라는 릴리스 기록이 없습니다. 최근에 서비스된 릴리스: {known}",
    ),
    "plan.none_known": ("none", "없음"),
    "plan.unknown_force": (
        "force is {given}, and may be {allowed}",
        "force 값이 {given}입니다. 사용할 수 있는 값: {allowed}",
    ),
    "plan.either": ("{one} or {other}", "{one} 또는 {other}"),
    # What a rollback prints first
    "plan.heading_warm": (
        "WARM ROLLBACK to {name} on slot {slot}: takes seconds, no pod is started",
        "WARM 롤백: {slot} 슬롯의 {name}(으)로 롤백합니다. 몇 초 걸리며, 파드를 새로 기동하지 않습니다",
    ),
    "plan.heading_cold": (
        "COLD ROLLBACK to {name} on slot {slot}: a deploy starts the release again, which takes minutes and needs the "
        "permissions of the deploy role",
        "COLD 롤백: {slot} 슬롯의 {name}(으)로 롤백합니다. 릴리스를 다시 배포하므로 몇 분 걸리며, deploy 역할의 권한이 "
        "필요합니다",
    ),
    "plan.heading_stop": ("STOP the deploy in progress", "진행 중인 배포를 멈춥니다"),
    "plan.heading_none": ("NOTHING TO DO", "할 일이 없습니다"),
    "plan.from": ("  from  {name} on slot {slot}", "  현재  {name}, {slot} 슬롯"),
    "plan.why": ("  why   {why}", "  이유  {why}"),
    # Rollbacks
    "rollback.already_stopped": (
        "the deploy of {name} was already stopped ({why}), and {live} stays live",
        "{name} 배포는 이미 멈췄고({why}) {live}이(가) 계속 서비스합니다",
    ),
    "rollback.run": ("{kind} {label} by {who}", "{who}의 {kind} {label}"),
    "rollback.a_run": ("a run", "실행"),
    "rollback.someone": ("someone", "다른 사용자"),
    "rollback.faster": (
        "{name} is live since the {run}, which was faster",
        "{name}은(는) 먼저 끝난 {run} 이후로 서비스 중입니다",
    ),
    "rollback.overtaken": (
        "{before} was live when this rollback began, and {live} is live now: {run} was faster. Nothing was changed. "
        "Check playbooks/status.yml before you roll back again",
        "이 롤백을 시작할 때는 {before}이(가) 서비스 중이었지만 지금은 {live}이(가) 서비스 중입니다. {run}이(가) 먼저 "
        "끝났습니다. 아무것도 바꾸지 않았습니다. 다시 롤백하기 전에 playbooks/status.yml로 상태를 확인하십시오",
    ),
    "rollback.stopped_by": ("stopped by {who}'s rollback", "{who}의 롤백이 멈춤"),
    "rollback.stopped_by_release": ("stopped by {who}'s rollback {label}", "{who}의 롤백 {label}이(가) 멈춤"),
    "rollback.not_shifted": ("{reason}. Traffic was not shifted", "{reason}. 트래픽을 전환하지 않았습니다"),
    "rollback.serves_again": (
        "{serving} serves again: all addresses answered with it after {span}.",
        "{serving}이(가) 다시 서비스합니다. {span} 만에 모든 주소가 이 릴리스로 응답했습니다.",
    ),
    "rollback.deploy_stopped": (
        "The deploy of {name} was stopped before it had traffic: {why}.",
        "트래픽을 받기 전에 {name} 배포를 멈췄습니다: {why}.",
    ),
    "rollback.failed": ("The rollback failed: {error}", "롤백이 실패했습니다: {error}"),
    "rollback.serving_now": (
        "Serving now:  {name} on {slot} ({weights}), by the current weights.",
        "현재 서비스:  {name}, {slot} 슬롯(현재 가중치 {weights}).",
    ),
    "rollback.serving": ("{name} on {slot} ({weights})", "{name}, {slot} 슬롯({weights})"),
}
