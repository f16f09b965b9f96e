"""Tests of eistool.circuit."""
