# Copyright (c) 2026 Teal maintainers
# SPDX-License-Identifier: MIT
"""Slots on EC2 and Kubernetes: why they do not become ready, or do not stay ready."""

from __future__ import annotations

TEXTS = {
    # Log excerpts
    "log.after": ("its log after {heading}", "{heading} 이후의 로그"),
    "log.last": ("last log lines", "마지막 로그"),
    "log.last_without_frames": ("last log lines, without stack frames", "마지막 로그(스택 프레임 제외)"),
    "log.heading": ("{heading}:", "{heading}:"),
    "log.of_container": ("{heading} of container {container}:", "{heading}(컨테이너 {container}):"),
    "log.console": ("its console, {heading}:", "콘솔 출력, {heading}:"),
    # Pods
    "pods.refused": (
        "Kubernetes refused to create the pods: {message}",
        "Kubernetes가 파드 생성을 거부했습니다: {message}",
    ),
    "pods.node_lost": (
        "node {name} is NotReady ({why}). If this lasts: {advice}",
        "노드 {name}이(가) NotReady 상태입니다({why}). 이 상태가 계속되면: {advice}",
    ),
    "pods.kubelet_silent": ("its kubelet has not reported yet", "kubelet이 아직 보고하지 않음"),
    "pods.replace_node": (
        "aws ec2 terminate-instances --instance-ids {instance}; its node group replaces it",
        "aws ec2 terminate-instances --instance-ids {instance} (노드 그룹이 새 노드로 교체합니다)",
    ),
    "pods.container": ("container {container} of pod {pod}", "파드 {pod}의 컨테이너 {container}"),
    "pods.not_ready": ("pod {name} is not ready", "파드 {name}이(가) 준비되지 않았습니다"),
    "pods.unschedulable": (
        "pod {name} cannot be scheduled: {message}",
        "파드 {name}을(를) 스케줄링할 수 없습니다: {message}",
    ),
    "pods.failed": (
        "pod {name} failed: {reason}: {message}",
        "파드 {name}이(가) 실패했습니다: {reason}: {message}",
    ),
    "pods.cannot_start": (
        "{container} cannot be started: {reason}: {message}",
        "{container}을(를) 시작할 수 없습니다: {reason}: {message}",
    ),
    "pods.not_pulled": (
        "the image of {container} cannot be pulled{why}: {what}",
        "{container}의 이미지를 가져올 수 없습니다{why}: {what}",
    ),
    "pull.image_missing": (", the registry does not have it", "(레지스트리에 이미지가 없음)"),
    "pull.image_platform": (
        ", it is not built for the node's architecture",
        "(노드의 아키텍처용으로 빌드되지 않음)",
    ),
    "pull.image_refused": (", the registry denies it to the node", "(레지스트리가 노드의 요청을 거부함)"),
    "pull.registry": (", the node cannot reach the registry", "(노드가 레지스트리에 접속하지 못함)"),
    "pods.crashes": (
        "{container} crashes: {restarts}, it last ended with {reason}{code}",
        "{container}이(가) 계속 비정상 종료됩니다: {restarts}, 마지막 종료 {reason}{code}",
    ),
    "pods.exit_code": (", exit code {code}", ", 종료 코드 {code}"),
    "pods.late": (
        "the pods did not become ready within {seconds} s",
        "파드가 {seconds}초 안에 준비되지 않았습니다",
    ),
    "pods.late_pod": ("{late}: pod {name} is not ready", "{late}: 파드 {name}이(가) 준비되지 않음"),
    "pods.no_room": ("it cannot be scheduled: {message}", "스케줄링할 수 없음: {message}"),
    "pods.waits": (
        "container {container} waits: {reason}: {message}",
        "컨테이너 {container} 대기 중: {reason}: {message}",
    ),
    "pods.waiting": ("{reason}, {restarts} restarts", "{reason}, 재시작 {restarts}회"),
    "pods.not_terminating": (
        "pods of the previous release do not terminate in slot {slot}: {names}",
        "{slot} 슬롯에서 이전 릴리스의 파드가 종료되지 않습니다: {names}",
    ),
    "pods.left": (
        "the previous pods in slot {slot} did not terminate within {span}: {number} are left",
        "{slot} 슬롯의 이전 파드가 {span} 안에 종료되지 않았습니다. 남은 파드: {number}개",
    ),
    # The engine's requests to Kubernetes
    "kubernetes.silent": (
        "Kubernetes has not answered for {span}: {error}",
        "Kubernetes가 {span} 동안 응답하지 않았습니다: {error}",
    ),
    "kubernetes.not_accepted": (
        "Kubernetes did not accept the objects for {span}: {error}",
        "Kubernetes가 {span} 동안 오브젝트를 받아들이지 않았습니다: {error}",
    ),
    "kubernetes.no_kind": (
        "This cluster has no kind {kind} in {version}",
        "이 클러스터에는 {version}의 {kind}이(가) 없습니다",
    ),
    "kubernetes.lacks_rights": (
        "this identity lacks permissions that a release needs in namespace {namespace}: {rights}",
        "이 실행에는 네임스페이스 {namespace}에서 릴리스에 필요한 권한이 없습니다: {rights}",
    ),
    "kubernetes.changed": (
        "Deployment {name} was changed or deleted by another program meanwhile",
        "그 사이에 다른 프로그램이 Deployment {name}을(를) 바꾸거나 삭제했습니다",
    ),
    "kubernetes.other_run": (
        "Deployment {name} was written by run {written}, but the records say that this is run {generation}: the table "
        "was lost or restored to an earlier state. The Deployment was not changed. To continue, if no other run "
        "deploys: kubectl --namespace {namespace} annotate deployment {name} {annotation}-",
        "Deployment {name}은(는) 실행 {written}이(가) 기록했지만, 릴리스 기록에 따르면 이번 실행은 {generation}입니다. "
        "테이블이 삭제되었거나 이전 상태로 복원되었습니다. Deployment는 바꾸지 않았습니다. 다른 배포가 진행 중이 "
        "아니라면 다음 명령으로 계속할 수 있습니다: kubectl --namespace {namespace} annotate deployment {name} "
        "{annotation}-",
    ),
    "kubernetes.not_deleted": (
        "{kind} {name} of the previous release was not deleted: {error}",
        "이전 릴리스의 {kind} {name}을(를) 삭제하지 못했습니다: {error}",
    ),
    # Jobs
    "job.failed": ("Job {name} failed: {why}", "Job {name}이(가) 실패했습니다: {why}"),
    "job.late": ("it did not end within {span}", "{span} 안에 끝나지 않았습니다"),
    "job.no_instances": (
        "a migration runs as a Job, which slot_kind=instance does not support: run it when the service starts",
        "마이그레이션은 Job으로 실행되며 slot_kind=instance에서는 지원하지 않습니다. 서비스가 시작할 때 실행하십시오",
    ),
    # Manifests
    "manifests.none": (
        "there are no manifests for slot {slot}. Check that slot_manifests_dir is not empty",
        "{slot} 슬롯의 매니페스트가 없습니다. slot_manifests_dir이 비어 있지 않은지 확인하십시오",
    ),
    "manifests.one_deployment": (
        "the manifests of slot {slot} must contain one Deployment, and its name must be {name} (slot_name). Found: "
        "{found}",
        "{slot} 슬롯의 매니페스트에는 이름이 {name}(slot_name)인 Deployment가 하나 있어야 합니다. 찾은 Deployment: "
        "{found}",
    ),
    "manifests.none_found": ("none", "없음"),
    "manifests.incomplete": (
        "the manifests contain {what}, which needs apiVersion, kind and metadata.name",
        "매니페스트의 {what}에는 apiVersion, kind, metadata.name이 필요합니다",
    ),
    "manifests.without_kind": ("an object without kind", "kind가 없는 오브젝트"),
    "manifests.list": (
        "the manifests contain a {kind}: write each object as a separate document",
        "매니페스트에 {kind}이(가) 있습니다. 오브젝트를 각각 별도의 문서로 작성하십시오",
    ),
    "manifests.without_name": (
        "the manifests contain a {kind} without metadata.name",
        "매니페스트의 {kind}에 metadata.name이 없습니다",
    ),
    "manifests.other_pods": (
        "the manifests contain {what}. A slot runs the pods of one Deployment, {name}: those of a {kind} would be "
        "neither watched nor stopped with the release. Move its containers into the Deployment, or create it outside "
        "of releases; for database migrations, use slot_migration_command",
        "매니페스트에 {what}이(가) 있습니다. 슬롯은 Deployment {name}의 파드만 실행하며, {kind}의 파드는 릴리스와 함께 "
        "관찰하거나 멈출 수 없습니다. 컨테이너를 Deployment로 옮기거나 릴리스 밖에서 만드십시오. 데이터베이스 "
        "마이그레이션에는 slot_migration_command를 사용하십시오",
    ),
    "manifests.other_namespace": (
        "the manifests contain {what} in namespace {found}, but the slot is in {namespace} (slot_namespace). Remove "
        "metadata.namespace",
        "매니페스트의 {what}은(는) 네임스페이스 {found}에 있지만 슬롯은 {namespace}(slot_namespace)에 있습니다. "
        "metadata.namespace를 제거하십시오",
    ),
    "manifests.labels": (
        "the pods of Deployment {name} must have the labels {slot_label}: {slot} and {release_label}: {number} (both "
        "are in slot_labels)",
        "Deployment {name}의 파드에는 레이블 {slot_label}: {slot}, {release_label}: {number}이(가) 있어야 합니다(둘 다 "
        "slot_labels에 있습니다)",
    ),
    "manifests.selector": (
        "the selector of Deployment {name} must contain {slot_label}: {slot}, and nothing that changes with a release "
        "(use slot_selector)",
        "Deployment {name}의 셀렉터에는 {slot_label}: {slot}이(가) 있어야 하며, 릴리스마다 바뀌는 값은 없어야 "
        "합니다(slot_selector를 사용하십시오)",
    ),
    # Autoscalers
    "autoscaler.second": (
        "{kind} {names} scales Deployment {deployment} and belongs to no release. It would conflict with the "
        "autoscaler of the release. Delete it (kubectl --namespace {namespace} delete horizontalpodautoscaler "
        "{arguments}), or remove the release's autoscaler (slot_autoscaling, slot_manifests_dir)",
        "릴리스에 속하지 않은 {kind} {names}이(가) Deployment {deployment}의 크기를 조정하므로 릴리스의 오토스케일러와 "
        "충돌합니다. 삭제하거나(kubectl --namespace {namespace} delete horizontalpodautoscaler {arguments}) 릴리스의 "
        "오토스케일러(slot_autoscaling, slot_manifests_dir)를 제거하십시오",
    ),
    "autoscaler.foreign": (
        "{kind} {name} scales Deployment {deployment} and belongs to no release: it was not changed, and may remove "
        "replicas before the slot has traffic or while it is kept warm. Make it part of the release instead: "
        "slot_autoscaling, or slot_manifests_dir",
        "릴리스에 속하지 않은 {kind} {name}이(가) Deployment {deployment}의 크기를 조정합니다. 이 오토스케일러는 "
        "바꾸지 않았으며, 슬롯이 트래픽을 받기 전이나 warm 상태일 때 레플리카를 줄일 수 있습니다. slot_autoscaling이나 "
        "slot_manifests_dir로 릴리스에 포함하십시오",
    ),
    # Instances
    "instance.terminated": (
        "instance {instance} was terminated: {why}",
        "인스턴스 {instance}이(가) 종료되었습니다: {why}",
    ),
    "instance.terminated_early": (
        "instance {instance} was terminated while it started",
        "인스턴스 {instance}이(가) 시작하는 도중에 종료되었습니다",
    ),
    "instance.service_ends": (
        "the service on instance {instance} does not stay up",
        "인스턴스 {instance}의 서비스가 계속 종료됩니다",
    ),
    "instance.unhealthy": (
        "instance {instance} did not become healthy: {health}",
        "인스턴스 {instance}이(가) healthy 상태가 되지 않았습니다: {health}",
    ),
    "instance.late": ("after {span}, {problem}", "{span} 경과: {problem}"),
    "instance.call_failed": (
        "ec2:{action} failed for the slots of '{name}': {error}",
        "'{name}'의 슬롯에 대한 ec2:{action} 호출이 실패했습니다: {error}",
    ),
    # Before a release begins
    "slot_check.refused": (
        "{error}\nWhat to do: {advice} Nothing was begun.",
        "{error}\n조치 방법: {advice} 아무것도 시작하지 않았습니다.",
    ),
    "images.name_one": (
        "Name the image to deploy: either -e image_tag=<tag> or -e image_digest=sha256:<64 hex digits>",
        "배포할 이미지를 -e image_tag=<tag> 또는 -e image_digest=sha256:<16진수 64자리>로 지정하십시오",
    ),
    "images.not_both": (
        "Name the image to deploy: either -e image_tag=<tag> or -e image_digest=sha256:<64 hex digits>, not both",
        "배포할 이미지를 -e image_tag=<tag> 또는 -e image_digest=sha256:<16진수 64자리> 중 하나로만 지정하십시오",
    ),
    "images.wrong_tag": (
        "image_tag is {tag}, and must be 1 to 128 letters, digits, dots, hyphens and underscores",
        "image_tag 값이 {tag}입니다. 영문자, 숫자, 점, 하이픈, 밑줄로 된 1~128자여야 합니다",
    ),
    "images.wrong_digest": (
        "image_digest is {digest}, and must be sha256: and 64 hexadecimal digits",
        "image_digest 값이 {digest}입니다. sha256: 뒤에 16진수 64자리가 와야 합니다",
    ),
    "images.no_repository": (
        "ECR repository '{repository}' does not exist. Provision the component registry first",
        "ECR 리포지토리 '{repository}'이(가) 없습니다. 먼저 registry 컴포넌트를 구축하십시오",
    ),
    "images.missing": (
        "ECR repository '{repository}' has no image {image}; its latest tags are: {known}.",
        "ECR 리포지토리 '{repository}'에 이미지 {image}이(가) 없습니다. 최근 태그: {known}.",
    ),
    "images.none_known": ("none", "없음"),
    "images.push": (
        "To push it: docker tag <image> {image} && docker push {image}",
        "푸시하려면: docker tag <image> {image} && docker push {image}",
    ),
    "images.describe_failed": (
        "ecr:DescribeImages failed for repository '{repository}': {error}",
        "리포지토리 '{repository}'에 대한 ecr:DescribeImages 호출이 실패했습니다: {error}",
    ),
    "images.not_in_repository": (
        "ECR repository '{repository}' has no image {digest}",
        "ECR 리포지토리 '{repository}'에 이미지 {digest}이(가) 없습니다",
    ),
    "images.put_failed": (
        "ecr:PutImage failed for the tag {tag}: {error}",
        "태그 {tag}에 대한 ecr:PutImage 호출이 실패했습니다: {error}",
    ),
}
