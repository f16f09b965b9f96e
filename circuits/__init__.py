"""The circuit library: one TOML file per circuit."""
