# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Titles and field names of Discord messages (plugins/filter/discord_embeds.py)."""

from __future__ import annotations

TEXTS = {
    # Titles, by topic
    "title.provision_succeeded": ("🏗️ {environment} is provisioned", "🏗️ {environment} 환경을 구축했습니다"),
    "title.provision_failed": (
        "🔴 {environment}: {component} could not be provisioned",
        "🔴 {environment}: {component}을(를) 구축하지 못했습니다",
    ),
    "title.deploy_succeeded": (
        "🟢 {environment}: {version} is live",
        "🟢 {environment}: {version} 서비스를 시작했습니다",
    ),
    "title.deploy_failed": (
        "🔴 {environment}: the deploy of {version} failed",
        "🔴 {environment}: {version} 배포가 실패했습니다",
    ),
    "title.deploy_aborted": (
        "🟠 {environment}: the deploy of {version} was aborted before it received traffic",
        "🟠 {environment}: 트래픽을 받기 전에 {version} 배포를 취소했습니다",
    ),
    "title.traffic_switched": (
        "🔀 {environment}: traffic goes to {version}",
        "🔀 {environment}: 트래픽을 {version}(으)로 전환했습니다",
    ),
    "title.rolled_back": (
        "↩️ {environment}: rolled back to {version}",
        "↩️ {environment}: {version}(으)로 롤백했습니다",
    ),
    "title.rollback_failed": (
        "🚨 {environment}: the rollback to {version} failed",
        "🚨 {environment}: {version}(으)로 롤백하지 못했습니다",
    ),
    "title.release_held": (
        "✋ {environment}: {version} is on hold",
        "✋ {environment}: {version}을(를) 보류(hold)했습니다",
    ),
    "title.gate_refused": (
        "⛔ {environment}: the quality gate failed for {version}",
        "⛔ {environment}: {version}이(가) 품질 게이트를 통과하지 못했습니다",
    ),
    "title.gate_overridden": (
        "⚠️ {environment}: the quality gate was overridden for {version}",
        "⚠️ {environment}: {version}에 품질 게이트 예외를 적용했습니다",
    ),
    "title.drift_found": (
        "🧭 {environment} differs from its inventory",
        "🧭 {environment} 환경이 인벤토리와 다릅니다",
    ),
    "title.destroy_succeeded": ("🧹 {environment} was destroyed", "🧹 {environment} 환경을 삭제했습니다"),
    "title.destroy_failed": (
        "🔴 {environment}: {component} could not be destroyed",
        "🔴 {environment}: {component}을(를) 삭제하지 못했습니다",
    ),
    # Names that are not known
    "discord.the_environment": ("The environment", "이 환경"),
    "discord.a_component": ("a component", "컴포넌트"),
    "discord.the_release": ("the release", "릴리스"),
    # Fields
    "field.version": ("Version", "버전"),
    "field.digest": ("Digest", "다이제스트"),
    "place.component": ("Component", "컴포넌트"),
    "place.slot": ("Slot", "슬롯"),
    "field.who": ("Who", "실행자"),
    "field.trigger_by": ("{trigger} by {who}", "{who}({trigger})"),
    "field.duration": ("Duration", "소요 시간"),
    "field.commit": ("Commit", "커밋"),
    "field.run": ("Run", "실행"),
    "field.log": ("log", "로그"),
    "field.quality": ("Quality", "품질"),
    "field.analysis": ("Requests of users", "사용자 요청"),
    "field.failed_at": ("Failed at", "실패한 단계"),
    "field.live": ("Live", "서비스 중"),
    "field.to_show_drift": ("To show the drift", "차이를 확인하려면"),
    "field.to_roll_back": ("To roll back", "롤백하려면"),
}
