"""ENCODED: the oblivious pseudo-random function of RFC 9497, suite ristretto255-SHA512, in batches. Files: ``files``.

The product uses VOPRF. What a department and a key holder call: :func:`blind` and :func:`finalise`, and
:meth:`OprfKey.derive`, :func:`evaluate`, :func:`prove`; :func:`verify_proof` stands between.
"""

from secure_match.exchange.oprf._blinding import blind, finalise, scalars_from
from secure_match.exchange.oprf._evaluation import OprfKey, evaluate, key_info
from secure_match.exchange.oprf._group import ELEMENT_BYTES, OUTPUT_BYTES, ByteMatrix, add_elements, add_keys
from secure_match.exchange.oprf._hashing import OprfMode
from secure_match.exchange.oprf._proofs import PROOF_BYTES, PROOF_ELEMENTS, prove, verify_proof

__all__ = [
    "ELEMENT_BYTES",
    "OUTPUT_BYTES",
    "PROOF_BYTES",
    "PROOF_ELEMENTS",
    "ByteMatrix",
    "OprfKey",
    "OprfMode",
    "add_elements",
    "add_keys",
    "blind",
    "evaluate",
    "finalise",
    "key_info",
    "prove",
    "scalars_from",
    "verify_proof",
]
