# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""The outcome of a failed release, and the status of an environment."""

from __future__ import annotations

TEXTS = {
    "failed.at": (
        "The {kind} of {name} failed at: {step}",
        "{name} {kind}이(가) 다음 단계에서 실패했습니다: {step}",
    ),
    "failed.untouched": ("{name} on {slot}, untouched", "{name}, {slot} 슬롯(변경 없음)"),
    "failed.again": ("{name} on {slot}, again", "{name}, {slot} 슬롯(다시 서비스 중)"),
    "failed.serving": ("Serving now:  {serving}.", "현재 서비스:  {serving}."),
    "failed.aborted": (
        "Serving now:  {serving}. No request reached the new release.",
        "현재 서비스:  {serving}. 새 릴리스에는 요청이 전달되지 않았습니다.",
    ),
    "failed.shifted_back": (
        "Serving now:  {serving}. Traffic was shifted back automatically.",
        "현재 서비스:  {serving}. 트래픽은 자동으로 되돌렸습니다.",
    ),
    "failed.slot_is_free": (
        "What to do:   {advice} Slot {slot} is free for the next deploy.",
        "조치 방법:    {advice} {slot} 슬롯은 다음 배포에 사용할 수 있습니다.",
    ),
    "failed.slot_still_runs": (
        "What to do:   {advice} Slot {slot} ({name}) still runs, so that you can inspect it.",
        "조치 방법:    {advice} 원인을 살펴볼 수 있도록 {slot} 슬롯({name})은 계속 실행됩니다.",
    ),
    "failed.commands": (
        "What to do:   ansible-playbook playbooks/status.yml -i {inventory}\n              ansible-playbook "
        "playbooks/rollback.yml -i {inventory} -e to=<release>",
        "조치 방법:    ansible-playbook playbooks/status.yml -i {inventory}\n              ansible-playbook "
        "playbooks/rollback.yml -i {inventory} -e to=<release>",
    ),
    "failed.with_advice": ("{failure}\nWhat to do: {advice}", "{failure}\n조치 방법: {advice}"),
    "failed.interrupted": ("its run was interrupted", "실행이 중단되었습니다"),
    "failed.stopped": (
        "The {kind} of {name} was stopped: {reason}",
        "{name} {kind}을(를) 멈췄습니다: {reason}",
    ),
    "failed.no_more_changes": (
        "It makes no further changes. To see the current state and who holds the lock:",
        "이 실행은 더 이상 아무것도 바꾸지 않습니다. 현재 상태와 잠금을 가진 실행을 확인하려면:",
    ),
    "failed.stuck": ("The {kind} of {name} failed:", "{name} {kind}이(가) 실패했습니다:"),
    "failed.stuck_twice": (
        "and could not be aborted or rolled back:",
        "그리고 취소하거나 롤백하지도 못했습니다:",
    ),
    "failed.recover_later": (
        "To see the current state, and to recover the release once that is possible:",
        "현재 상태를 확인하고, 가능해지면 릴리스를 복구하려면:",
    ),
    # The history
    "history.release": ("release", "릴리스"),
    "history.what": ("what", "작업"),
    "history.image": ("image", "이미지"),
    "history.who": ("who", "실행자"),
    "history.started": ("started", "시작"),
    "history.took": ("took", "소요"),
    "history.outcome": ("outcome", "결과"),
    # The status
    "status.live": ("LIVE", "LIVE"),
    "status.digest": ("digest {digest}", "다이제스트 {digest}"),
    "status.weights": ("weights   {weights}", "가중치    {weights}"),
    "status.lock": ("lock      {lock}", "잠금      {lock}"),
    "status.lock_free": ("free", "없음"),
    "status.unfinished": (
        "unfinished  the {kind} of {name} by {who}: {state} since {since}",
        "진행 중    {who}의 {name} {kind}: {since}부터 '{state}' 상태",
    ),
    "status.verdict": ("verdict   {name}: {text}", "판정      {name}: {text}"),
    "status.note": ("note      {problem}", "참고      {problem}"),
    "status.targets": ("targets: {health}", "타깃: {health}"),
    "status.pods": (
        "{ready} of {wanted} ready, {restarts} restarts",
        "{wanted}개 중 {ready}개 준비됨, 재시작 {restarts}회",
    ),
    "status.warm_until": ("warm until {at}", "{at}까지 warm 상태"),
    "status.split_traffic": (
        "traffic does not go to one slot only",
        "트래픽이 한 슬롯으로만 가고 있지 않습니다",
    ),
    "status.slots_unreadable": (
        "the slots could not be read: {error}",
        "슬롯의 상태를 읽지 못했습니다: {error}",
    ),
    "status.gets_share": ("gets {percent} % of the requests", "요청의 {percent}%를 처리 중"),
    "slot.raising": ("being started", "기동 중"),
    "slot.failed": ("failed", "실패"),
    "slot.stopping": ("being scaled down", "내리는 중"),
    "slot.down": ("scaled down", "내려감"),
}
