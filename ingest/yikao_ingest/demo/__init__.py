"""The demonstration: the whole product on one machine, with homes and doctors that do not exist."""
