"""The doctor's feed: what is open, what it rests on, who was paged, and who answered."""
