# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The summary at the end of a run (plugins/callback/summary.py), and names of tasks that may fail a release."""

from __future__ import annotations

TEXTS = {
    "summary.title": ("SUMMARY", "요약"),
    "summary.component": ("component", "컴포넌트"),
    "summary.state": ("state", "상태"),
    "summary.ok": ("ok", "정상"),
    "summary.changed": ("changed", "변경"),
    "summary.failed": ("failed", "실패"),
    "summary.not_reached": ("not reached", "실행되지 않음"),
    "summary.seconds": ("seconds", "초"),
    "summary.resources": ("resources", "리소스"),
    "summary.id": ("id", "ID"),
    "summary.address": ("address", "주소"),
    "summary.slowest": ("slowest tasks", "오래 걸린 작업"),
    "summary.task": ("task", "작업"),
    "summary.hidden": ("reason hidden (no_log)", "이유를 표시하지 않음(no_log)"),
    "summary.no_reason": ("no reason given", "이유를 알 수 없음"),
    # Steps of a release, by the names of their tasks
    "step.check_the_manifests_before_the_lock_is_acquired": (
        "Check the manifests before the lock is acquired",
        "잠금을 획득하기 전 매니페스트 점검",
    ),
    "step.check_the_manifests_and_the_rights_on_kubernetes": (
        "Check the manifests and the rights on Kubernetes",
        "매니페스트와 Kubernetes 권한 점검",
    ),
    "step.acquire_the_lock_and_begin_the_release": (
        "Acquire the lock and begin the release",
        "잠금 획득과 릴리스 시작",
    ),
    "step.run_the_migration_of_the_database": (
        "Run the migration of the database",
        "데이터베이스 마이그레이션 실행",
    ),
    "step.verify_the_release_before_it_receives_traffic": (
        "Verify the release before it receives traffic",
        "트래픽을 받기 전 릴리스 검증",
    ),
    "step.switch_traffic_to_the_release": ("Switch traffic to the release", "릴리스로 트래픽 전환"),
    "step.watch_the_release_during_its_bake": ("Watch the release during its bake", "릴리스 관찰(bake)"),
    "step.commit_the_release_and_unlock_the_environment": (
        "Commit the release and unlock the environment",
        "릴리스 확정과 잠금 해제",
    ),
    "step.start_the_release_in_slot_blue": ("Start the release in slot blue", "blue 슬롯에서 릴리스 기동"),
    "step.start_the_release_in_slot_green": ("Start the release in slot green", "green 슬롯에서 릴리스 기동"),
}
