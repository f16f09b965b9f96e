"""Tests of eistool.kernels."""
