"""Tests of eistool.fitting."""
