# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The lock: who holds it, how it is lost or broken."""

from __future__ import annotations

TEXTS = {
    "lock.held": (
        "a {what} by {who} on {where} holds the lock since {since} ({lease})",
        "{who}이(가) {where}에서 실행한 작업({what})이 {since}부터 잠금을 가지고 있습니다({lease})",
    ),
    "lock.what": ("{operation} of {subject}", "{operation}: {subject}"),
    "lock.expires": ("its lease expires in {span}", "리스는 {span} 뒤에 만료됩니다"),
    "lock.expired": ("its lease expired {span} ago", "리스는 {span} 전에 만료되었습니다"),
    "lock.busy": (
        "{error}. To wait for it: -e lock_wait=10m. If its run died, the lease expires by itself; to break the lock: "
        "playbooks/unlock.yml -e \"reason='...'\"",
        "{error}. 잠금이 풀릴 때까지 기다리려면: -e lock_wait=10m. 그 실행이 비정상 종료되었다면 리스는 저절로 "
        "만료됩니다. 잠금을 강제로 해제하려면: playbooks/unlock.yml -e \"reason='...'\"",
    ),
    "lock.nothing_after": ("nothing was changed after that", "그 뒤로는 아무것도 바꾸지 않았습니다"),
    "lock.maybe_after": (
        "its last change may have been made after it lost the lock",
        "마지막 변경은 잠금을 잃은 뒤에 이루어졌을 수 있습니다",
    ),
    "lock.paused": (
        "this run was paused while it renewed its lease, and changed nothing",
        "리스를 갱신하는 동안 이 실행이 멈춰 있었습니다. 아무것도 바꾸지 않았습니다",
    ),
    "lock.lost_expired": (
        "the lease expired at {at}, before this run renewed it (was the process paused?); {then}",
        "이 실행이 갱신하기 전에 리스가 {at}에 만료되었습니다(프로세스가 멈춰 있었는지 확인하십시오). {then}",
    ),
    "lock.lost_released": (
        "another run released or broke the lock; {then}",
        "다른 실행이 잠금을 해제했습니다. {then}",
    ),
    "lock.lost_acquired": (
        "another run acquired the lock: {holder}; {then}",
        "다른 실행이 잠금을 획득했습니다: {holder}. {then}",
    ),
    "unlock.free": ("nobody holds the lock", "잠금을 가진 실행이 없습니다"),
    "unlock.reason_missing": (
        "{holder}. To break it, give a reason: -e \"reason='...'\"",
        "{holder}. 잠금을 강제로 해제하려면 사유를 적으십시오: -e \"reason='...'\"",
    ),
    "unlock.broken": ("broken: {holder}", "잠금을 강제로 해제했습니다. 해제하기 전 상태: {holder}"),
}
