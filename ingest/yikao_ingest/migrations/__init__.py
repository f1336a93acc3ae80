"""The schema as numbered SQL files, applied once each and in order."""
