"""The cards that residents hold before a station's reader: their codes and their print."""
