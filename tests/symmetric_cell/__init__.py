"""Tests of eistool.symmetric_cell."""
