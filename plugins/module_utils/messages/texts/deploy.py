# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The steps of a deploy."""

from __future__ import annotations

TEXTS = {
    # How a deploy begins
    "begin.live_already": (
        "{image} is live already, on {slot}",
        "{image}은(는) 이미 {slot} 슬롯에서 서비스 중입니다",
    ),
    "verb.deploy": (
        "Deploy {image} on slot {slot}; {serving}",
        "{slot} 슬롯에 {image}을(를) 배포합니다. {serving}",
    ),
    "verb.rollback": (
        "Rollback {image} on slot {slot}; {serving}",
        "{slot} 슬롯에서 {image}(으)로 롤백합니다. {serving}",
    ),
    "verb.continue": (
        "Continue {image} on slot {slot}; {serving}",
        "{slot} 슬롯의 {image} 배포를 이어서 진행합니다. {serving}",
    ),
    "begin.serving": ("{name} is live on {slot}", "현재 {name}이(가) {slot} 슬롯에서 서비스 중입니다"),
    "begin.no_release": ("no release is live yet", "아직 서비스 중인 릴리스가 없습니다"),
    "begin.later": (
        "the first release is deployed once the environment exists",
        "첫 릴리스는 환경을 만든 뒤에 배포합니다",
    ),
    "begin.not_set": ("no first release is set", "첫 릴리스를 지정하지 않았습니다"),
    "begin.then_deploy": (
        "Then: ansible-playbook playbooks/deploy.yml -i {inventory} -e image_tag=<tag>",
        "그다음 실행: ansible-playbook playbooks/deploy.yml -i {inventory} -e image_tag=<tag>",
    ),
    "begin.config_refused": (
        "The configuration is refused: {problem}",
        "설정을 사용할 수 없습니다: {problem}",
    ),
    # The switch
    "deploy.not_found": (
        "release {release} was not found in table {table}",
        "테이블 {table}에서 릴리스 {release}을(를) 찾지 못했습니다",
    ),
    "deploy.target_unhealthy": (
        "no target of slot {slot} is healthy ({health}), so traffic was not shifted to it",
        "{slot} 슬롯에 healthy 상태인 타깃이 없어({health}) 트래픽을 전환하지 않았습니다",
    ),
    "deploy.back_unhealthy": (
        "slot {slot} has no healthy target ({health}), so traffic was not shifted",
        "{slot} 슬롯에 healthy 상태인 타깃이 없어({health}) 트래픽을 전환하지 않았습니다",
    ),
    "deploy.other_has_all": (
        "slot {slot} has no healthy target ({health}), so slot {other} has all traffic now",
        "{slot} 슬롯에 healthy 상태인 타깃이 없어({health}) 모든 트래픽을 {other} 슬롯으로 보냈습니다",
    ),
    "steps.ready": ("{ready} of {needed} replicas are ready", "레플리카 {needed}개 중 {ready}개 준비됨"),
    "steps.too_small": (
        "slot {slot} was not large enough for {percent} % of the traffic within {span}: {problem}",
        "{span} 안에 {slot} 슬롯이 트래픽의 {percent}%를 처리할 만큼 커지지 않았습니다: {problem}",
    ),
    "steps.may_shrink": (
        "slot {slot} may be scaled down during the steps of the release: {error}",
        "릴리스 단계를 진행하는 동안 {slot} 슬롯이 축소될 수 있습니다: {error}",
    ),
    # Recovery of an interrupted release
    "recover.reason": (
        "its run ended while the release was {state}",
        "릴리스가 '{state}' 상태일 때 실행이 끝났습니다",
    ),
    "recover.interrupted": (
        "{name} by {who} was interrupted while {state}",
        "{who}이(가) 시작한 {name}이(가) '{state}' 상태에서 중단되었습니다",
    ),
    "recover.aborted": (
        "{interrupted}: it had no traffic and was aborted",
        "{interrupted}. 트래픽을 받기 전이었으므로 취소했습니다",
    ),
    "recover.failed": (
        "{interrupted}, and could not be rolled back: {error}",
        "{interrupted}. 롤백도 하지 못했습니다: {error}",
    ),
    "recover.live_again": (
        "{interrupted}: {name} is live again",
        "{interrupted}. {name}이(가) 다시 서비스 중입니다",
    ),
    # The end
    "commit.live": ("{serving} is live, after {span}.", "{serving}이(가) {span} 만에 서비스를 시작했습니다."),
    "commit.warm": (
        " {name} stays warm on {slot} for {span}.",
        " {name}은(는) {slot} 슬롯에서 {span} 동안 warm 상태로 유지됩니다.",
    ),
    "commit.not_tagged": (
        "{error}\nThe image is live, but the registry's lifecycle policy may delete it after many more pushes, and a "
        "new node could not pull it then. Provision the components registry and identity, and deploy again",
        "{error}\n이미지는 서비스 중이지만, 앞으로 푸시가 많이 쌓이면 레지스트리의 수명 주기 정책이 이미지를 지울 수 "
        "있습니다. 그러면 새 노드가 이미지를 가져올 수 없습니다. registry와 identity 컴포넌트를 다시 구축한 뒤 "
        "배포하십시오",
    ),
    "abort.not_scaled_down": (
        "slot {slot} was not scaled down: {error}",
        "{slot} 슬롯을 내리지 못했습니다: {error}",
    ),
    "bake.may_shrink": (
        "slot {slot} may be scaled down while the release is watched: {error}",
        "릴리스를 관찰하는 동안 {slot} 슬롯이 축소될 수 있습니다: {error}",
    ),
}
