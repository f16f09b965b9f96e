"""Tests of eistool.spectrum."""
