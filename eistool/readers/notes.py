"""Notes on how a spectrum was read, of which some are warnings."""

WARNING = "warning: "
