"""The product's version: written here alone, and read without looking at what is installed.

`importlib.metadata` would cost a small gateway most of a megabyte for this one word.
"""

VERSION = "0.1.0"
