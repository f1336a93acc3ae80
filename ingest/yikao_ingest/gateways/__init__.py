"""Gateways as the server keeps them: what they are told to do, and what they say of themselves."""
