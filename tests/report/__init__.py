"""Tests of eistool.report."""
