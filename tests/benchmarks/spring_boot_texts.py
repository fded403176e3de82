# SPDX-License-Identifier: MIT
"""The texts of the tables that spring_boot.py writes, in English and Korean."""

from __future__ import annotations

LANGUAGES = ("en", "ko")

# By what was seen; the fields are the status, or the seconds and the exit code.
OUTCOMES = {
    "en": {
        "answered": "{}",
        "closing": "{}, `Connection: close`",
        "status": "{}",
        "finished": "finished",
        "cut": "cut off",
        "closed": "closed without an answer",
        "reset": "reset without an answer",
        "refused": "refused",
        "silent": "no answer in 3 s",
        "exit": "{} s, exit code {}",
    },
    "ko": {
        "answered": "{}",
        "closing": "{}, `Connection: close`",
        "status": "{}",
        "finished": "끝까지 응답",
        "cut": "중간에 끊김",
        "closed": "응답 없이 닫힘",
        "reset": "응답 없이 리셋",
        "refused": "연결 거부",
        "silent": "3초 동안 응답 없음",
        "exit": "{}초, 종료 코드 {}",
    },
}

HEADS = {"en": ("", "What Teal does"), "ko": ("", "Teal의 처리")}
COLUMNS = {
    "en": {
        "immediate": "`server.shutdown: immediate`",
        "graceful": "no setting (graceful)",
        "drain": "graceful, with `Drain.java`",
        "plain": "no setting",
        "kubernetes": "no setting, in a pod",
    },
    "ko": {
        "immediate": "`server.shutdown: immediate`",
        "graceful": "설정 없음(graceful)",
        "drain": "graceful + `Drain.java`",
        "plain": "설정 없음",
        "kubernetes": "설정 없음, 파드 안",
    },
}

PROBES_SETTING = {
    "en": "sets `MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED=true`, also on EC2, where nothing else switches it on",
    "ko": "`MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED=true`를 설정합니다. 켜 주는 것이 달리 없는 EC2에서도 같습니다",
}

# What was asked, and what Teal does about it.
ROWS = {
    "slow": {
        "en": (
            "a request in flight",
            "sets `SERVER_SHUTDOWN=graceful`; a request has `slot_shutdown` seconds to finish",
        ),
        "ko": (
            "처리 중인 요청",
            "`SERVER_SHUTDOWN=graceful`을 설정하고, `slot_shutdown`초 안에 끝나도록 기다립니다",
        ),
    },
    "stream": {
        "en": (
            "a streaming answer in flight",
            "the same; `slot_shutdown` has to be longer than the longest stream",
        ),
        "ko": ("스트리밍 중인 응답", "위와 같습니다. `slot_shutdown`은 가장 긴 스트림보다 길어야 합니다"),
    },
    "new": {
        "en": (
            "a new connection",
            "`slot_pre_stop`: SIGTERM comes only when the load balancer sends no new connections to the pod",
        ),
        "ko": ("새 연결", "`slot_pre_stop`: 로드 밸런서가 새 연결을 보내지 않게 된 뒤에 SIGTERM을 보냅니다"),
    },
    "kept": {
        "en": (
            "a request on an idle kept-alive connection",
            "`Drain.java` in the service, or `SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS=1` in `slot_config`",
        ),
        "ko": (
            "유휴 keep-alive 연결의 요청",
            "서비스에 `Drain.java`를 넣거나, `slot_config`에 `SERVER_TOMCAT_MAX_KEEP_ALIVE_REQUESTS=1`을 설정합니다",
        ),
    },
    "readiness": {
        "en": (
            "readiness, on the same port",
            "does not depend on it: Kubernetes removes an ending pod from its endpoints anyway",
        ),
        "ko": (
            "readiness, 같은 포트",
            "이 응답에 의존하지 않습니다. Kubernetes가 종료 중인 파드를 엔드포인트에서 먼저 제외합니다",
        ),
    },
    "liveness": {
        "en": ("liveness, on the same port", "nothing: a pod that is ending is not started again"),
        "ko": ("liveness, 같은 포트", "별도 처리가 없습니다. 종료 중인 파드는 다시 시작되지 않습니다"),
    },
    "separate readiness": {
        "en": (
            "readiness, on a management port of its own",
            "probes the service's port, so that ready means that the service's port answers",
        ),
        "ko": (
            "readiness, 별도의 관리 포트",
            "서비스 포트를 검사합니다. 따라서 준비 상태는 서비스 포트가 응답한다는 뜻입니다",
        ),
    },
    "separate liveness": {
        "en": ("liveness, on a management port of its own", "the same"),
        "ko": ("liveness, 별도의 관리 포트", "위와 같습니다"),
    },
    "end": {
        "en": (
            "the end, with requests of 6 s in flight",
            "`terminationGracePeriodSeconds` is `slot_pre_stop` + `slot_shutdown` + 5",
        ),
        "ko": (
            "종료, 6초짜리 요청이 처리 중일 때",
            "`terminationGracePeriodSeconds`는 `slot_pre_stop` + `slot_shutdown` + 5입니다",
        ),
    },
    "idle end": {
        "en": ("the end, with nothing in flight", "the same; `Drain.java` waits five seconds in any case"),
        "ko": ("종료, 처리 중인 요청이 없을 때", "위와 같습니다. `Drain.java`는 항상 5초를 기다립니다"),
    },
    "/actuator/health": {
        "en": ("`/actuator/health`", "the bake and the checks may use it; the probes do not"),
        "ko": ("`/actuator/health`", "점검에서 쓸 수 있지만, 프로브는 사용하지 않습니다"),
    },
    "/actuator/health/liveness": {
        "en": ("`/actuator/health/liveness`", PROBES_SETTING["en"]),
        "ko": ("`/actuator/health/liveness`", PROBES_SETTING["ko"]),
    },
    "/actuator/health/readiness": {
        "en": ("`/actuator/health/readiness`", "the same"),
        "ko": ("`/actuator/health/readiness`", "위와 같습니다"),
    },
    "/actuator/info": {
        "en": ("`/actuator/info`", "sets `MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE=health,info`"),
        "ko": ("`/actuator/info`", "`MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE=health,info`를 설정합니다"),
    },
}

STATIC = {
    "en": "Without build information, `/actuator/info` answers {} once it is exposed. Teal's release then finds no "
    "`build.version` and stops; add the build information, or set `release_version_key`.",
    "ko": "빌드 정보가 없으면 노출된 `/actuator/info`의 응답은 {}입니다. 이때 Teal의 릴리스는 `build.version`을 찾지 "
    "못하고 중단됩니다. 빌드 정보를 추가하거나 `release_version_key`를 설정하십시오.",
}

START = {
    "en": (
        ["", "until ready", "CPU used", "memory at most"],
        "A control group ({}) limited the process to 250m CPU and 512Mi memory: the quota of a container with these "
        "limits. What Teal does: the startup probe asks for liveness "
        "every two seconds, and no other probe runs before it succeeds; `slot_start_timeout` bounds it.",
    ),
    "ko": (
        ["", "준비까지", "사용한 CPU", "최대 메모리"],
        "컨트롤 그룹({})으로 프로세스를 CPU 250m, 메모리 512Mi로 제한했습니다. 같은 제한을 가진 컨테이너의 할당량과 "
        "같습니다. Teal의 처리: startup 프로브가 2초마다 liveness를 확인하며, "
        "성공하기 전에는 다른 프로브가 실행되지 않습니다. 상한은 `slot_start_timeout`입니다.",
    ),
}
