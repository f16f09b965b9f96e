"""Tests of eistool.settings."""
