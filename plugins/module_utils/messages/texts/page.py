# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The status page (module_utils/status_page.py)."""

from __future__ import annotations

TEXTS = {
    "page.about": (
        "Live release, slots, lock and release history of each environment, at the time that its status was read.",
        "상태를 읽은 시점에 각 환경에서 서비스 중인 릴리스와 슬롯, 잠금, 릴리스 이력입니다.",
    ),
    "page.written_by": ("Written by", "작성:"),
    "page.update": (
        "Run it again to update the page.",
        "다시 실행하면 페이지가 갱신됩니다.",
    ),
    "page.on_slot": ("on slot {slot}", "{slot} 슬롯"),
    "page.releases": ("Releases", "릴리스"),
    "page.read_at": ("Read at {at}", "읽은 시각: {at}"),
    "page.requests": ("Requests: {weights}", "요청: {weights}"),
    "page.share": ("{slot} {weight} of {total}", "{slot} {total} 중 {weight}"),
    "page.targets": ("{healthy} of {targets} targets healthy", "타깃 {targets}개 중 {healthy}개 healthy"),
    "page.no_targets": ("no targets", "타깃 없음"),
    "page.empty": ("empty", "비어 있음"),
    "page.pods": (
        "{ready} of {wanted} ready, {restarts} restarts",
        "{wanted}개 중 {ready}개 준비됨, 재시작 {restarts}회",
    ),
    "page.warm_until": ("warm until {at}", "{at}까지 warm 상태"),
    "page.live": ("live", "서비스 중"),
    "page.slot": ("slot {slot}", "{slot} 슬롯"),
    "page.starting": ("starting", "기동 중"),
    "page.lock": ("Lock", "잠금"),
    "page.gate": ("Quality gate", "품질 게이트"),
    "page.drift": ("Drift", "드리프트"),
    "page.unfinished": ("Release {release} is unfinished", "릴리스 {release}이(가) 끝나지 않았습니다"),
    "page.free": ("free", "없음"),
    "page.held": ("held", "사용 중"),
    "page.held_for": (" for a {what} by {who} since {since}", ": {who}의 작업({what}), {since}부터"),
    "page.not_checked": ("not checked", "확인하지 않음"),
    "page.failed": ("failed", "통과하지 못함"),
    "page.no_drift": ("none", "없음"),
    "page.no_releases": ("No releases.", "릴리스가 없습니다."),
    "page.rollback_to": ("rollback to {release}", "{release}(으)로 롤백"),
    "page.by": ("by {who}", "실행자 {who}"),
    "page.took": ("took {span}", "{span} 소요"),
    "page.run": ("run", "실행 로그"),
    "page.analysis": ("analysis {result}", "분석 {result}"),
    "page.analysis_share": (
        "analysis {result} with {percent} % of the traffic",
        "분석 {result}(트래픽 {percent}%)",
    ),
    "verdict.passed": ("passed", "통과"),
    "verdict.failed": ("failed", "실패"),
    "verdict.inconclusive": ("inconclusive", "판정 불가"),
    # Outcomes of releases
    "page.committed": ("succeeded", "성공"),
    "page.aborted": ("aborted before it received traffic", "트래픽을 받기 전에 취소"),
    "page.rolled_back": ("rolled back", "롤백됨"),
    "page.rollback_failed": ("rollback failed", "롤백 실패"),
    "page.in_progress": ("in progress", "진행 중"),
}
