# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""What to do next, for each cause of a failed release (release/failure_causes.py)."""

from __future__ import annotations

TEXTS = {
    "advice.admission": (
        "change the manifests so that the namespace admits the pods (namespace_pod_security), and deploy again.",
        "네임스페이스가 파드를 허용하도록 매니페스트를 고친 뒤(namespace_pod_security) 다시 배포하십시오.",
    ),
    "advice.alarm": (
        "look at the alarm in CloudWatch; fix the service or the alarm's threshold, and deploy again.",
        "CloudWatch에서 알람을 확인하고, 서비스나 알람의 임계값을 고친 뒤 다시 배포하십시오.",
    ),
    "advice.analysis": (
        "look for the cause in the service's log and metrics of that time; fix the image, or the thresholds in "
        "release_analysis, and deploy again.",
        "그 시각의 서비스 로그와 지표에서 원인을 찾아 이미지나 release_analysis의 임계값을 고친 뒤 다시 배포하십시오.",
    ),
    "advice.api": (
        "the image needs no change: check that the cluster's API answers (kubectl get --raw /readyz), and run the same "
        "command again.",
        "이미지는 고칠 필요가 없습니다. 클러스터의 API가 응답하는지 확인하고(kubectl get --raw /readyz) 같은 명령을 "
        "다시 실행하십시오.",
    ),
    "advice.aws_rights": (
        "the image needs no change: the role of this run lacks a permission on AWS. Provision the component identity "
        "again, or use the environment's deploy role, and run the same command again.",
        "이미지는 고칠 필요가 없습니다. 이 실행의 역할에 AWS 권한이 없습니다. identity 컴포넌트를 다시 구축하거나 "
        "환경의 deploy 역할로 같은 명령을 다시 실행하십시오.",
    ),
    "advice.capacity": (
        "the image needs no change: AWS has no capacity for this instance type, or a quota of the account is reached. "
        "Wait, or choose another instance type, and run the same command again.",
        "이미지는 고칠 필요가 없습니다. AWS에 이 인스턴스 유형의 용량이 없거나 계정의 할당량에 도달했습니다. "
        "기다리거나 다른 인스턴스 유형을 고른 뒤 같은 명령을 다시 실행하십시오.",
    ),
    "advice.check": (
        "fix what the check found in the service, or the check itself (release_checks, release_check_command), and "
        "deploy again.",
        "점검이 찾은 서비스의 문제나 점검 자체(release_checks, release_check_command)를 고친 뒤 다시 배포하십시오.",
    ),
    "advice.crash": (
        "read the log lines above, fix the image or its configuration (slot_config, slot_secrets), and deploy again.",
        "위의 로그를 읽고 이미지나 설정(slot_config, slot_secrets)을 고친 뒤 다시 배포하십시오.",
    ),
    "advice.errors": (
        "look for the failed requests in the service's log, fix the image, and deploy again.",
        "서비스의 로그에서 실패한 요청을 찾아 이미지를 고친 뒤 다시 배포하십시오.",
    ),
    "advice.heap": (
        "the heap of the JVM is full, while the container is below its memory limit: raise the heap "
        "(-XX:MaxRAMPercentage in JAVA_TOOL_OPTIONS) or the limit (slot_resources), or reduce what the service keeps "
        "in memory; deploy again.",
        "컨테이너는 메모리 제한에 이르지 않았지만 JVM의 힙이 가득 찼습니다. 힙(JAVA_TOOL_OPTIONS의 "
        "-XX:MaxRAMPercentage)이나 제한(slot_resources)을 늘리거나, 서비스가 메모리에 두는 데이터를 줄인 뒤 다시 "
        "배포하십시오.",
    ),
    "advice.image_missing": (
        "push the image, or name a tag or digest that the registry has, and deploy again.",
        "이미지를 푸시하거나, 레지스트리에 있는 태그 또는 다이제스트를 지정해 다시 배포하십시오.",
    ),
    "advice.image_name": (
        "correct the name of the image (release_image_repository, image_tag, slot_image_pull_policy), and deploy again.",
        "이미지 이름(release_image_repository, image_tag, slot_image_pull_policy)을 고친 뒤 다시 배포하십시오.",
    ),
    "advice.image_platform": (
        "build the image for the architecture of the nodes (docker buildx build --platform), and deploy again.",
        "노드의 아키텍처에 맞게 이미지를 빌드한 뒤(docker buildx build --platform) 다시 배포하십시오.",
    ),
    "advice.image_refused": (
        "the image needs no change: the registry does not let the nodes pull it. Grant pull access (the nodes' role, "
        "registry_pull_accounts, an imagePullSecret), and run the same command again.",
        "이미지는 고칠 필요가 없습니다. 레지스트리가 노드의 이미지 풀을 거부합니다. 풀 권한을 부여한 뒤(노드의 역할, "
        "registry_pull_accounts, imagePullSecret) 같은 명령을 다시 실행하십시오.",
    ),
    "advice.manifests": (
        "correct the manifests (slot_manifests_dir, or the settings of the role slot), and deploy again.",
        "매니페스트(slot_manifests_dir 또는 slot 롤의 설정)를 고친 뒤 다시 배포하십시오.",
    ),
    "advice.migration": (
        "read the log lines above, fix the migration (slot_migration_command), and deploy again.",
        "위의 로그를 읽고 마이그레이션(slot_migration_command)을 고친 뒤 다시 배포하십시오.",
    ),
    "advice.missing": (
        "create the Secret, ConfigMap, key or volume that the message names, or remove it from slot_secrets or your "
        "manifests, and deploy again.",
        "메시지에 나온 Secret, ConfigMap, 키 또는 볼륨을 만들거나 slot_secrets 또는 매니페스트에서 제거한 뒤 다시 "
        "배포하십시오.",
    ),
    "advice.node": (
        "the image needs no change: wait for the node, or replace it as the message says, and run the same command "
        "again.",
        "이미지는 고칠 필요가 없습니다. 노드가 복구되기를 기다리거나 메시지에 나온 대로 노드를 교체한 뒤 같은 명령을 "
        "다시 실행하십시오.",
    ),
    "advice.version_not_observed": (
        "check what the addresses answer; if the service reports another version than expected, correct the image or "
        "release_version, and deploy again.",
        "각 주소의 응답을 확인하십시오. 서비스가 예상과 다른 버전을 응답하면 이미지나 release_version을 고친 뒤 다시 "
        "배포하십시오.",
    ),
    "advice.oom": (
        "raise the memory limit (slot_resources), or lower the heap of the service, and deploy again.",
        "메모리 제한(slot_resources)을 늘리거나 서비스의 힙을 줄인 뒤 다시 배포하십시오.",
    ),
    "advice.probe": (
        "compare the probe with the service: its path and port, and how long it may take (slot_startup, "
        "slot_readiness, slot_liveness, slot_start_timeout); deploy again.",
        "프로브를 서비스와 비교하십시오. 경로와 포트, 허용 시간(slot_startup, slot_readiness, slot_liveness, "
        "slot_start_timeout)을 확인한 뒤 다시 배포하십시오.",
    ),
    "advice.quota": (
        "the namespace needs room for both slots: raise namespace_quota, lower slot_resources or slot_replicas, or "
        "free the other slot (playbooks/retire.yml -e at_once=true); run the same command again.",
        "네임스페이스에는 두 슬롯을 위한 여유가 필요합니다. namespace_quota를 늘리거나 slot_resources 또는 "
        "slot_replicas를 줄이거나, 다른 슬롯을 비운 뒤(playbooks/retire.yml -e at_once=true) 같은 명령을 다시 "
        "실행하십시오.",
    ),
    "advice.registry": (
        "the image needs no change: the nodes cannot reach the registry. Check the network path (NAT gateway, VPC "
        "endpoints, DNS, security groups), and run the same command again.",
        "이미지는 고칠 필요가 없습니다. 노드가 레지스트리에 접속하지 못합니다. 네트워크 경로(NAT 게이트웨이, VPC "
        "엔드포인트, DNS, 보안 그룹)를 확인한 뒤 같은 명령을 다시 실행하십시오.",
    ),
    "advice.rights": (
        "the image needs no change: this identity lacks the permission that the message names. Provision the "
        "components cluster and namespace again, or use the environment's deploy role, and run the same command again.",
        "이미지는 고칠 필요가 없습니다. 메시지에 나온 권한이 이 실행에 없습니다. cluster와 namespace 컴포넌트를 다시 "
        "구축하거나 환경의 deploy 역할로 같은 명령을 다시 실행하십시오.",
    ),
    "advice.rules": (
        "change the load balancer rule that the message names, and run the same command again.",
        "메시지에 나온 로드 밸런서 규칙을 고친 뒤 같은 명령을 다시 실행하십시오.",
    ),
    "advice.scheduling": (
        "the nodes need room for both slots: add nodes (cluster_node_groups), lower the requests of slot_resources, or "
        "correct selectors and tolerations; run the same command again.",
        "노드에는 두 슬롯을 위한 여유가 필요합니다. 노드를 늘리거나(cluster_node_groups) slot_resources의 요청을 "
        "줄이거나, 셀렉터와 톨러레이션을 고친 뒤 같은 명령을 다시 실행하십시오.",
    ),
    "advice.slow": (
        "check what the pod waits for; if it only needs more time, raise slot_start_timeout; deploy again.",
        "파드가 무엇을 기다리는지 확인하십시오. 시간이 더 필요할 뿐이라면 slot_start_timeout을 늘린 뒤 다시 "
        "배포하십시오.",
    ),
    "advice.start": (
        "correct what the message names in the image or the manifests (command, user, mounts), and deploy again.",
        "메시지에 나온 이미지나 매니페스트의 문제(명령, 사용자, 마운트)를 고친 뒤 다시 배포하십시오.",
    ),
    "advice.targets": (
        "compare load_balancer_health_check with the answers of the service, and the node ports with "
        "load_balancer_ports; deploy again.",
        "load_balancer_health_check를 서비스의 응답과, 노드 포트를 load_balancer_ports와 비교해 고친 뒤 다시 "
        "배포하십시오.",
    ),
    "advice.version": (
        "build the image with the version under which it is deployed, or set release_version (empty for any), and "
        "deploy again.",
        "배포하는 버전으로 이미지를 빌드하거나 release_version을 지정한 뒤(비워 두면 모든 버전을 허용) 다시 "
        "배포하십시오.",
    ),
    "advice.other": (
        "fix what the message names, and deploy again.",
        "메시지에 나온 문제를 고친 뒤 다시 배포하십시오.",
    ),
}
