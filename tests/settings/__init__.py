"""tests of eistool.settings."""
