"""tests of eistool.report."""
