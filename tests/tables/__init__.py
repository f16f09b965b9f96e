"""tests of eistool.tables."""
