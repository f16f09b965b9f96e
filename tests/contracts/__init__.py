"""tests of eistool."""
