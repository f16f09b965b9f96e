"""Tests of eistool.extraction."""
