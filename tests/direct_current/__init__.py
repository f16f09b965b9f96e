"""Tests of eistool.direct_current."""
