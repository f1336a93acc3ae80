"""How a gateway gets its certificate with one code, and renews it by itself."""
