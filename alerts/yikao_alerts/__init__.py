"""From a history of readings to a page that somebody answers: rules, episodes, pager."""
