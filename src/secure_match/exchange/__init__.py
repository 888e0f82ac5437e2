"""ENCODED: what passes between parties: their keys, sealed and signed packages, the desk where both are used."""

from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.files import SealedPackage, open_package_to, read_sealed, verify_package
from secure_match.exchange.identities import Identity, PublicIdentity
from secure_match.exchange.manifest import SealedManifest

__all__ = [
    "Desk",
    "Identity",
    "Outgoing",
    "PublicIdentity",
    "SealedManifest",
    "SealedPackage",
    "open_package_to",
    "read_sealed",
    "verify_package",
]
