# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Words and phrases about releases: kinds, states, lengths of time."""

from __future__ import annotations

TEXTS = {
    # A time and lengths of time
    "time": ("{at}", "{at}"),
    "less_than_a_second": ("< 1 s", "1초 미만"),
    "span.seconds": ("{number} s", "{number}초"),
    "span.minutes": ("{number} min", "{number}분"),
    "span.hours": ("{number} h", "{number}시간"),
    "indented": ("{text}", "{text}"),
    # A place in a release
    "release.none": ("nothing", "없음"),
    "release.on_slot": ("{name} on {slot}", "{name}, {slot} 슬롯"),
    "release.by_weight": ("by weight: {weights}", "가중치별: {weights}"),
    "release.see_status": ("see status", "상태를 확인하십시오"),
    "kind.deploy": ("deploy", "배포"),
    "kind.rollback": ("rollback", "롤백"),
    "kind.retire": ("retire", "슬롯 내리기"),
    "kind.unlock": ("unlock", "잠금 강제 해제"),
    "kind.tests": ("tests", "테스트"),
    "release.progress": (
        "{state} (step {step} of {steps}, {percent} %)",
        "{state}({steps}단계 중 {step}단계, {percent}%)",
    ),
    "release.shares": ("{old} ({rest} %), {new} ({percent} %)", "{old}({rest}%), {new}({percent}%)"),
    # States of a release
    "state.locked": ("locked", "잠금 획득"),
    "state.staged": ("staged", "기동 중"),
    "state.ready": ("ready", "기동 완료"),
    "state.verified": ("verified", "검증 완료"),
    "state.stepping": ("stepping", "단계 전환 중"),
    "state.step_baking": ("step baking", "단계 관찰 중"),
    "state.switching": ("switching", "전환 중"),
    "state.baking": ("baking", "관찰 중"),
    "state.committed": ("committed", "확정"),
    "state.aborted": ("aborted", "취소"),
    "state.rolling_back": ("rolling back", "롤백 중"),
    "state.rolled_back": ("rolled back", "롤백됨"),
    "state.rollback_failed": ("rollback failed", "롤백 실패"),
    # Notes of a release's events
    "event.begun": ("by {who} on {where}", "{who}, {where}에서 실행"),
    "event.resumed": ("resumed", "이어서 진행"),
    "event.wanted": ("{number} wanted", "레플리카 {number}개 필요"),
    "event.ready": ("{number} ready", "레플리카 {number}개 준비됨"),
    "event.version": ("version {version}", "버전 {version}"),
    "event.observed": (
        "observed at every address after {span}",
        "{span} 만에 모든 주소에서 확인됨",
    ),
    "event.live": ("live", "서비스 중"),
    "event.live_again": ("{name} is live again", "{name}이(가) 다시 서비스 중입니다"),
}
