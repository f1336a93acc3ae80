"""Questions that people ask about a resident or a team, each a function with an index behind it.

What comes back is what was measured, as it is stored: a reading that may be somebody else's is in
it. Nothing that alerts or finds trends asks here. Residents who do not exist are left out.
"""
