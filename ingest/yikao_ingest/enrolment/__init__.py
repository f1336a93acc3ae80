"""Certificates for gateways: the authority that signs them, codes, and the role `yikao enrol`.

Standards: RFC 5280 (certificates and revocation lists), RFC 2986 (requests), FIPS 186-5 (P-256).
"""
