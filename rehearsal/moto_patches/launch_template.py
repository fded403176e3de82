"""Launch templates: SourceVersion of a new version, and DeleteLaunchTemplateVersions.

moto 5.2.5 ignores SourceVersion, so the instance of a release would lack the image, network, role and tags of the
template. It lacks DeleteLaunchTemplateVersions.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import (
    LaunchTemplate,
    LaunchTemplateBackend,
    LaunchTemplateVersion,
)
from moto.ec2.responses.launch_templates import LaunchTemplates


def apply(config: dict[str, Any]) -> None:
    source_versions()
    deleted_versions()


def deleted_versions() -> None:
    """Delete versions. A deleted version stays in moto's list, which numbers versions, but is not described."""
    describe = LaunchTemplateBackend.describe_launch_template_versions

    def describe_launch_template_versions(
        self: LaunchTemplateBackend, *args: Any, **kwargs: Any
    ) -> list[tuple[LaunchTemplate, LaunchTemplateVersion]]:
        return [pair for pair in describe(self, *args, **kwargs) if not getattr(pair[1], "deleted", False)]

    def delete_launch_template_versions(self: LaunchTemplates) -> ActionResult:
        name, numbers = self._get_param("LaunchTemplateName"), self._get_param("Versions", [])
        backend = self.ec2_backend
        template = (
            backend.get_launch_template_by_name(name)
            if name
            else backend.get_launch_template(self._get_param("LaunchTemplateId"))
        )
        results: dict[str, list[dict[str, Any]]] = {"Successfully": [], "Unsuccessfully": []}
        for number in numbers:
            version = template.get_version(number)
            version.deleted = not template.is_default(version)
            results["Successfully" if version.deleted else "Unsuccessfully"].append(
                {"LaunchTemplateId": template.id, "VersionNumber": version.number}
            )
        return ActionResult({f"{how}DeletedLaunchTemplateVersions": one for how, one in results.items()})

    LaunchTemplateBackend.describe_launch_template_versions = describe_launch_template_versions
    LaunchTemplates.delete_launch_template_versions = delete_launch_template_versions


def source_versions() -> None:
    create = LaunchTemplates.create_launch_template_version

    def create_launch_template_version(self: LaunchTemplates) -> ActionResult:
        source = self._get_param("SourceVersion")
        if not source:
            return create(self)
        name = self._get_param("LaunchTemplateName")
        backend = self.ec2_backend
        template = (
            backend.get_launch_template_by_name(name)
            if name
            else backend.get_launch_template(self._get_param("LaunchTemplateId"))
        )
        kept = template.get_version(source).data

        def create_version(data: dict[str, Any], description: str) -> LaunchTemplateVersion:
            return LaunchTemplate.create_version(template, {**kept, **data}, description)

        template.create_version = create_version
        try:
            return create(self)
        finally:
            del template.create_version

    LaunchTemplates.create_launch_template_version = create_launch_template_version
