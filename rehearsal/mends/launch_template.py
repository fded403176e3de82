"""Launch templates: a new version keeps what it doesn't say from its source version.

moto 5.2.5 ignores SourceVersion, so the instance of a release would have neither the image nor the network,
role and tags that provisioning gave the template.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.responses.launch_templates import LaunchTemplates


def apply(config: dict[str, Any]) -> None:
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
