"""Tests of eistool.materials."""
