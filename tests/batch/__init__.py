"""tests of eistool.batch."""
