"""ACM: certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends
from moto.utilities.utils import get_partition


def apply(config: dict[str, Any]) -> None:
    """Apply the patches to moto."""
    chain_as_imported()
    issued_when_validated()


def chain_as_imported() -> None:
    """Keep an imported chain unchanged.

    moto appends Amazon's root CA to it. Then community.aws.acm_certificate finds another chain than it imported, and
    imports the certificate again in every run.
    """
    make = CertBundle.__init__

    def init(self: CertBundle, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        chain = kwargs.get("chain")
        if self.type == "IMPORTED":
            self.chain = chain or b""

    CertBundle.__init__ = init


def issued_when_validated() -> None:
    """Issue a requested certificate when its CNAME records exist in a hosted zone of Route 53 (of any account).

    moto issues it after a minute, whether or not the records exist.
    """
    describe = CertBundle.describe

    def check(self: CertBundle) -> None:
        if self.type == "AMAZON_ISSUED" and self.status == "PENDING_VALIDATION":
            there = set(_names())
            options = describe(self)["Certificate"]["DomainValidationOptions"]
            if all(option["ResourceRecord"]["Name"].lower() in there for option in options):
                self.status = "ISSUED"

    def described(self: CertBundle) -> dict[str, Any]:
        answer = describe(self)
        certificate = answer["Certificate"]
        # moto's order of a set differs between calls.
        if options := certificate.get("DomainValidationOptions"):
            options.sort(key=lambda option: (option["DomainName"] != self.common_name, option["DomainName"]))
        if self.status == "PENDING_VALIDATION":
            certificate.pop("IssuedAt", None)
        return answer

    CertBundle.check = check
    CertBundle.describe = described


def _names() -> Iterator[str]:
    """Yield the names of all CNAME records in Route 53, with a final dot."""
    for partitions in list(route53_backends.values()):
        for zone in list(partitions[get_partition("us-east-1")].zones.values()):
            for record in list(zone.rrsets):
                if record.type == "CNAME":
                    yield record.name.lower().rstrip(".") + "."
