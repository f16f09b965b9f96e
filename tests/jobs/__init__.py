"""tests of eistool.jobs."""
